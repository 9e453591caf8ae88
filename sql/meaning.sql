-- What the API's judgements rest on: forecasts, comparisons, equity and collection routes.

-- hourly_means --
-- $1 int datastream_id, $2 int hours
-- The newest hours of one datastream: mean of each, with the unit and the smallest value ever (bounds of a forecast).
SELECT t.device_id, t.property, t.unit, r.bucket, r.sum / r.n AS mean
  FROM datastream AS t
  LEFT JOIN LATERAL (
       SELECT bucket, sum, n
         FROM rollup_hour
        WHERE datastream_id = t.datastream_id AND n > 0
        ORDER BY bucket DESC
        LIMIT $2::int) AS r ON true
 WHERE t.datastream_id = $1::int
 ORDER BY r.bucket;

-- district_hours --
-- $1 text property, $2 timestamptz from, $3 timestamptz to (not included)
-- The mean over a district's devices of each hour; an empty name stands for devices in no district.
SELECT coalesce(d.district_id, '') AS district_id, r.bucket, avg(r.sum / r.n) AS mean
  FROM datastream AS t
  JOIN device AS d USING (device_id)
  JOIN rollup_hour AS r USING (datastream_id)
 WHERE t.property = $1::text AND r.bucket >= $2::timestamptz AND r.bucket < $3::timestamptz AND r.n > 0
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- district_service --
-- $1 timestamptz since
-- Per district: residents, devices, bins, hours in which a bin stood at 99 % or more, and how long alerts waited. Hours
-- are looked at where the day has such a level at all: every hour of a month is millions of rows in a large city.
SELECT d.district_id, d.name, d.population,
       (SELECT count(*) FROM device AS v WHERE v.district_id = d.district_id AND v.domain <> 'health') AS devices,
       (SELECT count(*) FROM device AS v WHERE v.district_id = d.district_id AND v.domain = 'waste') AS bins,
       (SELECT count(*)
          FROM device AS v
          JOIN datastream AS t USING (device_id)
          JOIN rollup_day AS whole USING (datastream_id)
          JOIN rollup_hour AS r ON r.datastream_id = whole.datastream_id
                               AND r.bucket >= whole.bucket AND r.bucket < whole.bucket + interval '1 day'
         WHERE v.district_id = d.district_id AND t.property = 'fill_level'
           AND whole.bucket > $1::timestamptz - interval '1 day' AND whole.max >= 99
           AND r.bucket >= $1 AND r.max >= 99)
         AS overflow_hours,
       a.to_acknowledge, a.to_resolve
  FROM district AS d
 CROSS JOIN LATERAL (
       SELECT coalesce(array_agg(acknowledged_at - recorded_at) FILTER (WHERE acknowledged_at >= recorded_at), '{}')
                AS to_acknowledge,
              coalesce(array_agg(cleared_at - raised_at) FILTER (WHERE cleared_at >= raised_at), '{}') AS to_resolve
         FROM alert AS a JOIN device AS v USING (device_id)
        WHERE v.district_id = d.district_id AND a.raised_at >= $1 AND a.retracted_at IS NULL AND NOT a.silent) AS a
 ORDER BY d.district_id;

-- bins_to_empty --
-- $1 float8 least level, $2 text source_id, $3 text district_id or null, $4 int limit, $5 float8 hours or null
-- Bins whose newest trusted level asks for a visit, or that may be full within these hours (as told of that
-- level, by the lower end of the band where one is earned; it comes a moment after the level, and each quarter of an
-- hour where levels come more than once a minute), the fullest first.
SELECT d.device_id, d.latitude, d.longitude, l.result AS level, l.phenomenon_time,
       CASE WHEN jsonb_typeof(d.tags -> 'litres') = 'number' THEN (d.tags ->> 'litres')::float8 END AS litres
  FROM device AS d
  JOIN datastream AS t USING (device_id)
  JOIN latest_observation AS l USING (datastream_id)
  LEFT JOIN LATERAL (
       SELECT min(f.result) AS hours
         FROM datastream AS s
         JOIN latest_observation AS f USING (datastream_id)
        WHERE s.device_id = d.device_id AND s.property IN ('time_to_full', 'time_to_full_low')
          AND f.phenomenon_time >= l.phenomenon_time - CASE WHEN d.expected_interval < interval '1 minute'
                                                            THEN interval '17 minutes' ELSE interval '5 minutes' END
          AND f.quality IN (1, 2)) AS ahead ON $5::float8 IS NOT NULL
 WHERE t.property = 'fill_level' AND l.quality IN (1, 2) AND d.source_id = $2::text
   AND (l.result >= $1::float8 OR ahead.hours <= $5::float8)
   AND ($3::text IS NULL OR d.district_id = $3) AND d.latitude IS NOT NULL AND d.longitude IS NOT NULL
 ORDER BY l.result DESC, d.device_id
 LIMIT $4::int;
