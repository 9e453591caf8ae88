-- datastream --
-- $1 int datastream_id
SELECT s.datastream_id, s.device_id, s.property, s.unit, d.expected_interval
  FROM datastream AS s
  JOIN device AS d USING (device_id)
 WHERE s.datastream_id = $1;

-- series_raw --
-- $1 int datastream_id, $2 timestamptz from, $3 timestamptz to (not included)
SELECT phenomenon_time, result, quality
  FROM observation
 WHERE datastream_id = $1 AND phenomenon_time >= $2 AND phenomenon_time < $3
 ORDER BY phenomenon_time;

-- series_rollup --
-- $1 int datastream_id, $2 timestamptz from, $3 timestamptz to (not included), $4 interval width of a point
-- Another rollup's name is put in place of rollup_minute. Sums add up, so a point may span several buckets.
SELECT time_bucket($4::interval, bucket) AS time,
       sum(n) AS n, sum(n_good) AS n_good, sum(n_all) AS n_all,
       sum(sum) AS sum, sum(sin_sum) AS sin_sum, sum(cos_sum) AS cos_sum, min(min) AS min, max(max) AS max
  FROM rollup_minute
 WHERE datastream_id = $1 AND bucket >= time_bucket($4::interval, $2::timestamptz) AND bucket < $3
 GROUP BY 1
 ORDER BY 1;

-- profile --
-- $1 text property, $2 timestamptz from, $3 timestamptz to (not included), $4 text district_id or null for the city,
-- $5 text domain or null for all. rollup_area_day may be put in place of rollup_area_hour.
SELECT bucket AS time,
       sum(n) AS n, sum(n_good) AS n_good, sum(n_all) AS n_all,
       sum(sum) AS sum, sum(sin_sum) AS sin_sum, sum(cos_sum) AS cos_sum, NULL::float8 AS min, NULL::float8 AS max
  FROM rollup_area_hour
 WHERE property = $1 AND bucket >= $2 AND bucket < $3
   AND ($4::text IS NULL OR district_id = $4) AND ($5::text IS NULL OR domain = $5)
 GROUP BY bucket
 ORDER BY bucket;

-- unit_of_property --
-- $1 text property
SELECT unit FROM datastream WHERE property = $1 ORDER BY datastream_id LIMIT 1;

-- tail_lag --
-- What each consumer has still to read, and how long the oldest of it has waited.
SELECT c.consumer, c.seq, unread.batches, unread.rows, unread.seconds
  FROM consumer_position AS c
 CROSS JOIN LATERAL (
       SELECT count(*) AS batches, coalesce(sum(size), 0)::bigint AS rows,
              coalesce(greatest(extract(epoch FROM clock_timestamp() - min(at)), 0), 0)::float8 AS seconds
         FROM ingest_batch
        WHERE seq > c.seq) AS unread
 ORDER BY c.consumer;

-- counts --
-- $1 timestamptz now. Observations are those the fold has counted, so that nobody waits for a count of the raw rows.
SELECT (SELECT count(*) FROM device) AS devices,
       (SELECT count(*) FROM datastream) AS datastreams,
       (SELECT coalesce(sum(n_all), 0)::bigint FROM rollup_area_day) AS observations,
       (SELECT coalesce(sum(size), 0)::bigint FROM ingest_batch
         WHERE at > $1::timestamptz - interval '1 minute' AND old_result IS NULL) AS readings_last_minute,
       (SELECT coalesce(sum(received), 0)::bigint FROM delivery_account
         WHERE hour >= date_trunc('hour', $1::timestamptz)) AS messages_this_hour;
