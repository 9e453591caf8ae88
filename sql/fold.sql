-- create_delta --
-- What one fold adds, per datastream and minute; empty again after each commit.
CREATE TEMP TABLE IF NOT EXISTS fold_delta (
    datastream_id int NOT NULL,
    bucket        timestamptz NOT NULL,
    n             int NOT NULL,
    n_good        int NOT NULL,
    n_all         int NOT NULL,
    sum           float8 NOT NULL,
    sin_sum       float8 NOT NULL,
    cos_sum       float8 NOT NULL,
    min           float8,
    max           float8,
    last          float8,
    last_time     timestamptz
) ON COMMIT DELETE ROWS;

-- claim_batches --
-- $1 bigint position, $2 int rows
-- How far this fold goes: whole batches, until they hold the wanted number of rows. Null where there is nothing.
SELECT max(seq) AS seq, sum(size)::bigint AS size, bool_or(old_result IS NOT NULL) AS revises
  FROM (SELECT seq, size, old_result, sum(size) OVER (ORDER BY seq) - size AS before
          FROM ingest_batch
         WHERE seq > $1
         ORDER BY seq
         LIMIT 4096) AS next
 WHERE before < $2;

-- place_streams --
-- $1 bigint position, $2 bigint last seq
-- Datastreams that are counted for the first time, with the area they are in.
INSERT INTO fold_stream (datastream_id, property, domain, district_id, circular)
SELECT s.datastream_id, s.property, d.domain, coalesce(d.district_id, ''), right(s.property, 10) = '_direction'
  FROM (SELECT DISTINCT unnest(datastream_id) AS datastream_id FROM ingest_batch WHERE seq > $1 AND seq <= $2) AS seen
  JOIN datastream AS s USING (datastream_id)
  JOIN device AS d USING (device_id)
 WHERE NOT EXISTS (SELECT FROM fold_stream AS f WHERE f.datastream_id = seen.datastream_id)
    ON CONFLICT (datastream_id) DO NOTHING;

-- stage_delta --
-- $1 bigint position, $2 bigint last seq
-- New rows add; a revision adds its new and takes away its old, and counts no row.
INSERT INTO fold_delta
SELECT datastream_id,
       time_bucket(interval '1 minute', phenomenon_time) AS bucket,
       sum(use_new::int - use_old::int),
       sum((use_new AND quality = 1)::int - (use_old AND old_quality = 1)::int),
       count(*) FILTER (WHERE NOT revises),
       sum(CASE WHEN use_new THEN result ELSE 0 END - CASE WHEN use_old THEN old_result ELSE 0 END),
       sum(CASE WHEN circular AND use_new THEN sind(result) ELSE 0 END
           - CASE WHEN circular AND use_old THEN sind(old_result) ELSE 0 END),
       sum(CASE WHEN circular AND use_new THEN cosd(result) ELSE 0 END
           - CASE WHEN circular AND use_old THEN cosd(old_result) ELSE 0 END),
       min(result) FILTER (WHERE use_new),
       max(result) FILTER (WHERE use_new),
       (array_agg(result ORDER BY phenomenon_time DESC, seq DESC, place DESC) FILTER (WHERE use_new))[1],
       max(phenomenon_time) FILTER (WHERE use_new)
  FROM (SELECT b.seq, b.old_quality IS NOT NULL AS revises, r.*,
               usable(r.quality, r.result) AS use_new,
               usable(r.old_quality, r.old_result) AS use_old
          FROM ingest_batch AS b
         CROSS JOIN LATERAL unnest(
               b.datastream_id, b.phenomenon_time, b.result, b.quality, b.old_result, b.old_quality)
               WITH ORDINALITY AS r (datastream_id, phenomenon_time, result, quality, old_result, old_quality, place)
         WHERE b.seq > $1 AND b.seq <= $2) AS row
  LEFT JOIN (SELECT datastream_id, circular FROM fold_stream) AS stream USING (datastream_id)
 GROUP BY datastream_id, bucket;

-- add_rollup --
-- $1 interval width of the table's bucket. For the other rollups the fold puts their name in place of rollup_minute.
INSERT INTO rollup_minute AS old
       (datastream_id, bucket, n, n_good, n_all, sum, sin_sum, cos_sum, min, max, last, last_time)
SELECT datastream_id, time_bucket($1::interval, bucket) AS span,
       sum(n), sum(n_good), sum(n_all), sum(sum), sum(sin_sum), sum(cos_sum), min(min), max(max),
       (array_agg(last ORDER BY last_time DESC) FILTER (WHERE last_time IS NOT NULL))[1], max(last_time)
  FROM fold_delta
 GROUP BY datastream_id, span
 ORDER BY datastream_id, span
    ON CONFLICT (datastream_id, bucket) DO UPDATE
   SET n = old.n + excluded.n,
       n_good = old.n_good + excluded.n_good,
       n_all = old.n_all + excluded.n_all,
       sum = old.sum + excluded.sum,
       sin_sum = old.sin_sum + excluded.sin_sum,
       cos_sum = old.cos_sum + excluded.cos_sum,
       min = least(old.min, excluded.min),
       max = greatest(old.max, excluded.max),
       last = CASE WHEN old.last_time > excluded.last_time OR excluded.last_time IS NULL
                   THEN old.last ELSE excluded.last END,
       last_time = greatest(old.last_time, excluded.last_time);

-- mend_rollup --
-- $1 interval width, $2 bigint position, $3 bigint last seq; the table's name as in add_rollup.
-- Where a revision took away what may have been the least, the greatest or the last, these are found anew in the
-- raw rows. Rows whose own batch is not folded yet may be among them: folding that batch changes nothing then.
UPDATE rollup_minute AS rollup
   SET min = raw.min, max = raw.max, last = raw.last, last_time = raw.last_time
  FROM (SELECT DISTINCT r.datastream_id, r.bucket
          FROM ingest_batch AS b
         CROSS JOIN LATERAL unnest(
               b.datastream_id, b.phenomenon_time, b.result, b.quality, b.old_result, b.old_quality)
               AS gone (datastream_id, phenomenon_time, result, quality, old_result, old_quality)
          JOIN rollup_minute AS r
            ON r.datastream_id = gone.datastream_id
           AND r.bucket = time_bucket($1::interval, gone.phenomenon_time)
         WHERE b.seq > $2 AND b.seq <= $3
           AND b.old_result IS NOT NULL
           AND usable(gone.old_quality, gone.old_result)
           AND NOT (usable(gone.quality, gone.result) AND gone.result = gone.old_result)
           AND (gone.old_result <= r.min OR gone.old_result >= r.max OR gone.phenomenon_time = r.last_time)) AS touched
 CROSS JOIN LATERAL (
       SELECT min(result) AS min, max(result) AS max, max(phenomenon_time) AS last_time,
              (array_agg(result ORDER BY phenomenon_time DESC))[1] AS last
         FROM observation AS o
        WHERE o.datastream_id = touched.datastream_id
          AND o.phenomenon_time >= touched.bucket
          AND o.phenomenon_time < touched.bucket + $1::interval
          AND usable(o.quality, o.result)) AS raw
 WHERE rollup.datastream_id = touched.datastream_id AND rollup.bucket = touched.bucket;

-- add_area --
-- $1 interval width. The fold puts rollup_area_day in place of rollup_area_hour for the other.
INSERT INTO rollup_area_hour AS old
       (property, bucket, domain, district_id, n, n_good, n_all, sum, sin_sum, cos_sum)
SELECT s.property, time_bucket($1::interval, d.bucket) AS span, s.domain, s.district_id,
       sum(d.n), sum(d.n_good), sum(d.n_all), sum(d.sum), sum(d.sin_sum), sum(d.cos_sum)
  FROM fold_delta AS d
  JOIN fold_stream AS s USING (datastream_id)
 GROUP BY s.property, span, s.domain, s.district_id
 ORDER BY s.property, span, s.domain, s.district_id
    ON CONFLICT (property, bucket, domain, district_id) DO UPDATE
   SET n = old.n + excluded.n,
       n_good = old.n_good + excluded.n_good,
       n_all = old.n_all + excluded.n_all,
       sum = old.sum + excluded.sum,
       sin_sum = old.sin_sum + excluded.sin_sum,
       cos_sum = old.cos_sum + excluded.cos_sum;

-- add_latest --
-- $1 bigint position, $2 bigint last seq
-- Never back in time; at the same time the later batch, a revision, wins. A datastream deleted meanwhile is skipped.
INSERT INTO latest_observation AS old (datastream_id, phenomenon_time, received_at, result, quality)
SELECT DISTINCT ON (r.datastream_id) r.datastream_id, r.phenomenon_time, r.received_at, r.result, r.quality
  FROM ingest_batch AS b
 CROSS JOIN LATERAL unnest(b.datastream_id, b.phenomenon_time, b.received_at, b.result, b.quality)
       WITH ORDINALITY AS r (datastream_id, phenomenon_time, received_at, result, quality, place)
 WHERE b.seq > $1 AND b.seq <= $2
   AND EXISTS (SELECT FROM datastream AS s WHERE s.datastream_id = r.datastream_id)
 ORDER BY r.datastream_id, r.phenomenon_time DESC, b.seq DESC, r.place DESC
    ON CONFLICT (datastream_id) DO UPDATE
   SET phenomenon_time = excluded.phenomenon_time,
       received_at = excluded.received_at,
       result = excluded.result,
       quality = excluded.quality
 WHERE excluded.phenomenon_time >= old.phenomenon_time;

-- moved_streams --
-- $1 int limit
-- Datastreams that are counted elsewhere than where their device is now, which nearly always are none.
SELECT f.datastream_id, d.domain, coalesce(d.district_id, '') AS district_id
  FROM fold_stream AS f
  JOIN datastream AS s USING (datastream_id)
  JOIN device AS d USING (device_id)
 WHERE (f.domain, f.district_id) <> (d.domain, coalesce(d.district_id, ''))
 ORDER BY f.datastream_id
 LIMIT $1::int;

-- move_area --
-- $1 int[] datastream_id, $2 text[] domain, $3 text[] district_id: where each is now
-- History follows a device to its new district or domain: out of the old area, into the new one.
-- The fold puts rollup_area_day and rollup_day in place of rollup_area_hour and rollup_hour for the other.
-- ANY, too, so that the history of nothing else is read, whatever the planner makes of the join.
INSERT INTO rollup_area_hour AS old
       (property, bucket, domain, district_id, n, n_good, n_all, sum, sin_sum, cos_sum)
SELECT f.property, r.bucket, side.domain, side.district_id,
       sum(side.sign * r.n), sum(side.sign * r.n_good), sum(side.sign * r.n_all),
       sum(side.sign * r.sum), sum(side.sign * r.sin_sum), sum(side.sign * r.cos_sum)
  FROM unnest($1::int[], $2::text[], $3::text[]) AS moved (datastream_id, domain, district_id)
  JOIN fold_stream AS f USING (datastream_id)
  JOIN rollup_hour AS r USING (datastream_id)
 CROSS JOIN LATERAL (VALUES (-1, f.domain, f.district_id), (1, moved.domain, moved.district_id))
       AS side (sign, domain, district_id)
 WHERE r.datastream_id = ANY ($1::int[])
 GROUP BY f.property, r.bucket, side.domain, side.district_id
 ORDER BY f.property, r.bucket, side.domain, side.district_id
    ON CONFLICT (property, bucket, domain, district_id) DO UPDATE
   SET n = old.n + excluded.n,
       n_good = old.n_good + excluded.n_good,
       n_all = old.n_all + excluded.n_all,
       sum = old.sum + excluded.sum,
       sin_sum = old.sin_sum + excluded.sin_sum,
       cos_sum = old.cos_sum + excluded.cos_sum;

-- move_streams --
-- $1 int[] datastream_id, $2 text[] domain, $3 text[] district_id
-- After move_area: count them where they are now.
UPDATE fold_stream AS f
   SET domain = moved.domain, district_id = moved.district_id
  FROM unnest($1::int[], $2::text[], $3::text[]) AS moved (datastream_id, domain, district_id)
 WHERE f.datastream_id = moved.datastream_id;

-- announce_latest --
SELECT pg_notify('citywatch_latest', '');
