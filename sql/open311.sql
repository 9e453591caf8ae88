-- report_turn --
-- $1 service_code: one at a time, so that two reports of the same thing find each other.
SELECT pg_advisory_xact_lock(7228070, hashtext($1));

-- repeat_report --
-- $1 service_code, $2 latitude, $3 longitude, $4 now, $5 metres, $6 interval: the same as an open one near by?
UPDATE citizen_report AS r
   SET times = r.times + 1, updated_at = $4
  FROM (SELECT report_id
          FROM citizen_report
         WHERE service_code = $1 AND status = 'open' AND at > $4::timestamptz - $6::interval
           AND 2 * 6371008.8 * asin(sqrt(least(1, power(sind((latitude - $2) / 2), 2)
               + cosd(latitude) * cosd($2::float8) * power(sind((longitude - $3) / 2), 2)))) <= $5::float8
         ORDER BY at DESC
         LIMIT 1) AS same
 WHERE r.report_id = same.report_id
RETURNING r.report_id;

-- add_report --
-- $1 service_code, $2 domain, $3 now, $4 latitude, $5 longitude, $6 place, $7 description, $8 district_id, $9 metres
-- The device it may be about is the nearest of the domain within $9.
INSERT INTO citizen_report (service_code, domain, at, updated_at, latitude, longitude, place, description, district_id,
                            device_id)
VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8,
        (SELECT d.device_id
           FROM device AS d
          CROSS JOIN LATERAL (
                SELECT 2 * 6371008.8 * asin(sqrt(least(1, power(sind((d.latitude - $4) / 2), 2)
                       + cosd(d.latitude) * cosd($4::float8) * power(sind((d.longitude - $5) / 2), 2)))) AS metres) AS m
          WHERE d.domain = $2 AND d.latitude BETWEEN $4 - 0.01 AND $4 + 0.01 AND m.metres <= $9::float8
          ORDER BY m.metres
          LIMIT 1))
RETURNING report_id;

-- reports --
-- $1 text[] service_codes, $2 status, $3 since, $4 until, $5 bigint[] report_ids: null for any; $6 before this report_id,
-- $7 limit: newest first.
SELECT report_id, service_code, domain, at, updated_at, latitude, longitude, place, description, status, status_notes,
       times, district_id, device_id
  FROM citizen_report
 WHERE ($1::text[] IS NULL OR service_code = ANY ($1))
   AND ($2::text IS NULL OR status = $2)
   AND ($3::timestamptz IS NULL OR at >= $3)
   AND ($4::timestamptz IS NULL OR at < $4)
   AND ($5::bigint[] IS NULL OR report_id = ANY ($5))
   AND ($6::bigint IS NULL OR report_id < $6)
 ORDER BY report_id DESC
 LIMIT $7::int;

-- close_report --
-- $1 report_id, $2 note, $3 now
UPDATE citizen_report SET status = 'closed', status_notes = $2, updated_at = $3
 WHERE report_id = $1 AND status = 'open'
RETURNING report_id;

-- alert_reports --
-- $1 alert_id: what was reported about its device from a day before it was raised until it cleared. Evidence beside the
-- readings, never a cause: no rule reads it.
SELECT r.report_id, r.service_code, r.domain, r.at, r.updated_at, r.latitude, r.longitude, r.place, r.description,
       r.status, r.status_notes, r.times, r.district_id, r.device_id
  FROM alert AS a
  JOIN citizen_report AS r ON r.device_id = a.device_id
 WHERE a.alert_id = $1 AND r.at >= a.raised_at - interval '1 day' AND r.at <= coalesce(a.cleared_at, now())
 ORDER BY r.at DESC
 LIMIT 200;
