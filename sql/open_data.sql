-- publish_expected --
-- $1 text[] device_id, $2 text[] property, $3 text[] unit: publishes datastreams before their first reading; those that
-- there are already stay as they are. How many it made.
WITH made AS (
    INSERT INTO datastream (device_id, property, unit, published)
    SELECT new.device_id, new.property, new.unit, true
      FROM unnest($1::text[], $2::text[], $3::text[]) AS new (device_id, property, unit)
     ORDER BY new.device_id, new.property
        ON CONFLICT (device_id, property) DO NOTHING
    RETURNING 1)
SELECT count(*) FROM made;

-- publish --
-- $1 boolean, $2 int[] datastream_ids, $3 device_id, $4 property, $5 domain (null: any): how many changed.
WITH changed AS (
     UPDATE datastream AS t SET published = $1
       FROM device AS d
      WHERE d.device_id = t.device_id AND t.published <> $1
        AND ($2::int[] IS NULL OR t.datastream_id = ANY ($2))
        AND ($3::text IS NULL OR t.device_id = $3)
        AND ($4::text IS NULL OR t.property = $4)
        AND ($5::text IS NULL OR d.domain = $5)
     RETURNING 1)
SELECT count(*) FROM changed;

-- public_latest --
-- $1 domain, $2 property, $3 district_id: null for any; $4 text[] after device_id and property; $5 limit
SELECT d.device_id, d.domain, d.district_id, d.latitude, d.longitude, t.property, t.unit, o.phenomenon_time, o.result
  FROM datastream AS t
  JOIN device AS d USING (device_id)
  JOIN latest_observation AS o USING (datastream_id)
 WHERE t.published AND usable(o.quality, o.result)
   AND ($1::text IS NULL OR d.domain = $1)
   AND ($2::text IS NULL OR t.property = $2)
   AND ($3::text IS NULL OR d.district_id = $3)
   AND ($4::text[] IS NULL OR (t.device_id, t.property) > (($4)[1], ($4)[2]))
 ORDER BY t.device_id, t.property
 LIMIT $5::int;

-- public_districts --
-- Each district and property with what the published devices said last, where that is no older than a day of their
-- source's clock.
SELECT d.district_id, c.name, t.property, t.unit, count(*) AS devices, avg(o.result) AS mean, min(o.result) AS min,
       max(o.result) AS max, max(o.phenomenon_time) AS newest
  FROM datastream AS t
  JOIN device AS d USING (device_id)
  JOIN district AS c USING (district_id)
  JOIN source AS s USING (source_id)
  JOIN latest_observation AS o USING (datastream_id)
 WHERE t.published AND usable(o.quality, o.result)
   AND (source_now(s.kind, s.clock) IS NULL OR source_now(s.kind, s.clock) - o.phenomenon_time <= interval '1 day')
 GROUP BY d.district_id, c.name, t.property, t.unit
 ORDER BY c.name, d.district_id, t.property;

-- public_alerts --
-- $1 alert_id or null, $2 limit: alerts on published datastreams of devices with a place, open ones only unless one is
-- asked for by number. What is shelved, suppressed or was never so is nobody's news.
SELECT a.alert_id, a.rule_id, a.severity, a.open, a.raised_at, a.recorded_at, a.cleared_at,
       coalesce(a.summary ->> 'text', '') AS text, d.domain, d.district_id, c.name AS district, d.latitude, d.longitude,
       coalesce(v.definition ->> 'title', a.rule_id) AS title
  FROM alert AS a
  JOIN datastream AS t USING (datastream_id)
  JOIN device AS d ON d.device_id = t.device_id
  LEFT JOIN district AS c USING (district_id)
  LEFT JOIN rule_version AS v ON (v.rule_id, v.version) = (a.rule_id, a.rule_version)
 WHERE t.published AND NOT a.silent AND a.retracted_at IS NULL
   AND d.latitude IS NOT NULL AND d.longitude IS NOT NULL
   AND CASE WHEN $1::bigint IS NULL THEN a.open ELSE a.alert_id = $1 END
 ORDER BY a.raised_at DESC, a.alert_id DESC
 LIMIT $2::int;
