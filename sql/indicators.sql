-- all_streams --
-- Every datastream with its device's rhythm, and whether it is derived from others.
SELECT s.datastream_id, s.device_id, s.property, d.expected_interval, s.method IS NOT NULL AS derived,
       d.tags ->> 'watch' AS watched, d.tags ->> 'downstream' AS downstream, o.kind = 'live' AS live
  FROM datastream AS s
  JOIN device AS d USING (device_id)
  JOIN source AS o USING (source_id);

-- touched_rows --
-- $1 bigint position, $2 int rows
-- What the next batches touched: whole ones, until they hold the wanted number of rows, and none that the fold has not
-- counted yet, since its rollups are what the values are worked out from.
SELECT seq, at, datastream_id, phenomenon_time, clocks
  FROM (SELECT *, sum(size) OVER (ORDER BY seq) - size AS before
          FROM ingest_batch
         WHERE seq > $1
           AND seq <= (SELECT seq FROM consumer_position WHERE consumer = 'fold')
         ORDER BY seq
         LIMIT 4096) AS next
 WHERE before < $2
 ORDER BY seq;

-- tail_waits --
-- $1 bigint position
-- Whether anything follows the position, folded or not.
SELECT EXISTS (SELECT FROM ingest_batch WHERE seq > $1);

-- advance_indicator_clocks --
-- $1 text[] source_id, $2 timestamptz[] clock, $3 int part
INSERT INTO indicator_clock AS old (source_id, part, clock)
SELECT new.source_id, $3::int, new.clock
  FROM unnest($1::text[], $2::timestamptz[]) AS new (source_id, clock)
  JOIN source USING (source_id)
 ORDER BY new.source_id
    ON CONFLICT (source_id, part) DO UPDATE SET clock = excluded.clock
 WHERE old.clock < excluded.clock;

-- share_clocks --
-- $1 int parts
-- Each part begins with the clocks of the hindmost of the parts before.
INSERT INTO indicator_clock (source_id, part, clock)
SELECT k.source_id, n.part, k.clock
  FROM indicator_progress AS k
 CROSS JOIN generate_series(0, $1::int - 1) AS n (part)
    ON CONFLICT (source_id, part) DO UPDATE SET clock = excluded.clock;

-- drop_clocks --
-- $1 int parts
DELETE FROM indicator_clock WHERE part >= $1::int;

-- add_due --
-- $1 text[] device_id, $2 text[] kind, $3 timestamptz[] due_at, $4 timestamptz[] complete_at
-- A device that was removed meanwhile has nothing to derive. What `recompute` asked for is taken in its turn.
INSERT INTO indicator_due (device_id, kind, due_at, complete_at)
SELECT new.device_id, new.kind, new.due_at, new.complete_at
  FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
       AS new (device_id, kind, due_at, complete_at)
  JOIN device USING (device_id)
 ORDER BY new.device_id, new.kind, new.due_at
    ON CONFLICT (device_id, kind, due_at) DO NOTHING;

-- pending_due --
-- $1 int part, $2 int parts
SELECT device_id, kind, due_at FROM indicator_due WHERE part_of(device_id, $2::int) = $1::int;

-- complete_due --
-- $1 timestamptz now of live sources, $2 int limit, $3 int part, $4 int parts
-- What may be worked out, the oldest first; what is asked for again comes last. Of forecasts, each of which takes as long
-- as thousands of the others, a few at a time, so that nothing waits for many.
WITH known AS (
    SELECT source_id, min(clock) AS clock
      FROM indicator_clock
     WHERE $4::int = 1 OR part = $3::int
     GROUP BY source_id),
complete AS (
    SELECT q.device_id, q.kind, q.due_at, d.expected_interval, q.again, q.complete_at
      FROM indicator_due AS q
      JOIN device AS d USING (device_id)
      JOIN source AS s USING (source_id)
      LEFT JOIN known AS c USING (source_id)
     WHERE q.complete_at <= CASE s.kind WHEN 'live' THEN $1::timestamptz ELSE c.clock END
       AND part_of(q.device_id, $4::int) = $3::int)
(SELECT device_id, kind, due_at, expected_interval
   FROM complete
  WHERE kind <> 'forecast'
  ORDER BY again, complete_at, device_id, kind, due_at
  LIMIT $2::int)
UNION ALL
(SELECT device_id, kind, due_at, expected_interval
   FROM complete
  WHERE kind = 'forecast'
  ORDER BY again, complete_at, device_id, due_at
  LIMIT 10);

-- remove_due --
-- $1 text[] device_id, $2 text[] kind, $3 timestamptz[] due_at
DELETE FROM indicator_due AS q
 USING unnest($1::text[], $2::text[], $3::timestamptz[]) AS done (device_id, kind, due_at)
 WHERE q.device_id = done.device_id AND q.kind = done.kind AND q.due_at = done.due_at;

-- hour_sums --
-- $1 text[] device_id, $2 timestamptz[] from, $3 timestamptz[] until, $4 text[] properties
-- The hours of measured datastreams within the span of each device; of SO2 twelve more, which make a day of those that
-- an air index rests on.
SELECT s.device_id, s.property, r.bucket, r.n, r.n_good, r.sum
  FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS w (device_id, since, until)
  JOIN datastream AS s ON s.device_id = w.device_id AND s.property = ANY ($4::text[]) AND s.method IS NULL
  JOIN rollup_hour AS r ON r.datastream_id = s.datastream_id AND r.bucket < w.until
   AND r.bucket >= w.since - CASE s.property WHEN 'so2' THEN interval '12 hours' ELSE interval '0' END;

-- single_hours --
-- $1 text[] device_id, $2 timestamptz[] hour, $3 text[] properties
-- Single hours of measured datastreams that have usable readings.
SELECT s.device_id, s.property, r.bucket, r.n, r.n_good, r.sum
  FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::timestamptz[]) AS asked (device_id, bucket)) AS w
  JOIN datastream AS s ON s.device_id = w.device_id AND s.property = ANY ($3::text[]) AND s.method IS NULL
  JOIN rollup_hour AS r ON r.datastream_id = s.datastream_id AND r.bucket = w.bucket
 WHERE r.n > 0;

-- span_readings --
-- $1 text[] device_id, $2 timestamptz[] from, $3 timestamptz[] until, $4 text property
-- The readings of one measured property within each span, in time order. What orders them inside keeps each span a search
-- of its own: in one join with datastream and span the planner reads all that a datastream has of every week.
SELECT w.device_id, w.until, o.phenomenon_time, o.result, o.quality
  FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS w (device_id, since, until)
  JOIN datastream AS s ON s.device_id = w.device_id AND s.property = $4::text AND s.method IS NULL
 CROSS JOIN LATERAL (
       SELECT phenomenon_time, result, quality
         FROM observation
        WHERE datastream_id = s.datastream_id AND phenomenon_time >= w.since AND phenomenon_time < w.until
        ORDER BY phenomenon_time) AS o
 ORDER BY w.device_id, w.until, o.phenomenon_time;

-- watched_readings --
-- $1 text[] device_id, $2 timestamptz[] from, $3 timestamptz[] until
-- The readings of the property that each device has watched, within its span, in time order; read as in span_readings.
SELECT w.device_id, w.until, o.phenomenon_time, o.result, o.quality
  FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS w (device_id, since, until)
  JOIN device AS d ON d.device_id = w.device_id
  JOIN datastream AS s ON s.device_id = w.device_id AND s.property = d.tags ->> 'watch' AND s.method IS NULL
 CROSS JOIN LATERAL (
       SELECT phenomenon_time, result, quality
         FROM observation
        WHERE datastream_id = s.datastream_id AND phenomenon_time >= w.since AND phenomenon_time < w.until
        ORDER BY phenomenon_time) AS o
 ORDER BY w.device_id, w.until, o.phenomenon_time;

-- past_quarters --
-- $1 text[] device_id, $2 timestamptz[] from, $3 timestamptz[] until
-- Mean speed and mean flow of each detector's past quarters of an hour, as parallel arrays.
SELECT w.device_id, w.until,
       array_agg(v.sum / v.n ORDER BY v.bucket) AS speeds,
       array_agg(f.sum / f.n ORDER BY v.bucket) AS flows
  FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS w (device_id, since, until)
  JOIN datastream AS speed ON speed.device_id = w.device_id AND speed.property = 'vehicle_speed'
  JOIN rollup_quarter AS v
    ON v.datastream_id = speed.datastream_id AND v.bucket >= w.since AND v.bucket < w.until AND v.n > 0
  LEFT JOIN datastream AS flow ON flow.device_id = w.device_id AND flow.property = 'vehicle_flow'
  LEFT JOIN rollup_quarter AS f ON f.datastream_id = flow.datastream_id AND f.bucket = v.bucket AND f.n > 0
 GROUP BY w.device_id, w.until;

-- pair_minutes --
-- $1 text[] device_id, $2 timestamptz[] due_at, $3 int minutes
-- Mean occupancies of each detector and of the one that its tag `downstream` names, of minutes in which both have some.
SELECT w.device_id, w.due_at, up.bucket, up.sum / up.n AS above, down.sum / down.n AS below
  FROM unnest($1::text[], $2::timestamptz[]) AS w (device_id, due_at)
  JOIN device AS d ON d.device_id = w.device_id
  JOIN datastream AS u ON u.device_id = d.device_id AND u.property = 'occupancy' AND u.method IS NULL
  JOIN datastream AS v ON v.device_id = d.tags ->> 'downstream' AND v.property = 'occupancy' AND v.method IS NULL
  JOIN rollup_minute AS up
    ON up.datastream_id = u.datastream_id AND up.bucket >= w.due_at - $3::int * interval '1 minute'
   AND up.bucket < w.due_at AND up.n > 0
  JOIN rollup_minute AS down ON down.datastream_id = v.datastream_id AND down.bucket = up.bucket AND down.n > 0
 ORDER BY w.device_id, w.due_at, up.bucket;

-- incidents_before --
-- $1 text[] device_id, $2 timestamptz[] instant
-- Which of these had an incident ahead at that instant.
SELECT s.device_id, o.phenomenon_time
  FROM unnest($1::text[], $2::timestamptz[]) AS w (device_id, at)
  JOIN datastream AS s ON s.device_id = w.device_id AND s.property = 'incident_ahead' AND s.method IS NOT NULL
  JOIN observation AS o ON o.datastream_id = s.datastream_id AND o.phenomenon_time = w.at
 WHERE o.result = 1;

-- past_levels --
-- $1 text[] device_id, $2 timestamptz[] from, $3 timestamptz[] until
-- The last fill level of each hour within each span, in time order.
SELECT w.device_id, w.until, r.last_time, r.last
  FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS w (device_id, since, until)
  JOIN datastream AS s ON s.device_id = w.device_id AND s.property = 'fill_level' AND s.method IS NULL
  JOIN rollup_hour AS r
    ON r.datastream_id = s.datastream_id AND r.bucket >= w.since AND r.bucket < w.until AND r.n > 0
 ORDER BY w.device_id, w.until, r.bucket;

-- full_levels --
-- $1 text[] device_id
-- From which level bins count as full, where their tag `full_at` says so.
SELECT device_id, tags ->> 'full_at' AS full_at
  FROM device
 WHERE device_id = ANY ($1::text[]) AND tags ? 'full_at';

-- past_outcomes --
-- $1 text[] device_id, $2 timestamptz[] until, $3 int most
-- The newest outcomes of each bin's forecasts that were known by then, in no order.
SELECT w.device_id, w.until, o.made_at, o.known_at, o.situation, o.ratio
  FROM unnest($1::text[], $2::timestamptz[]) AS w (device_id, until)
 CROSS JOIN LATERAL (
       SELECT made_at, known_at, situation, ratio
         FROM bin_outcome AS b
        WHERE b.device_id = w.device_id AND b.known_at <= w.until
        ORDER BY b.known_at DESC, b.made_at DESC
        LIMIT $3::int) AS o;

-- forget_outcomes --
-- $1 text[] device_id, $2 timestamptz[] known_at
-- What these readings had told is worked out again.
DELETE FROM bin_outcome AS b
 USING unnest($1::text[], $2::timestamptz[]) AS again (device_id, known_at)
 WHERE b.device_id = again.device_id AND b.known_at = again.known_at;

-- keep_outcomes --
-- $1 text[] device_id, $2 timestamptz[] made_at, $3 timestamptz[] known_at, $4 int2[] situation, $5 float8[] ratio
-- Those of these bins that are 400 days older go.
WITH old AS (
    DELETE FROM bin_outcome AS b
     USING (SELECT device_id, max(known_at) AS newest
              FROM unnest($1::text[], $3::timestamptz[]) AS new (device_id, known_at)
             GROUP BY device_id) AS n
     WHERE b.device_id = n.device_id AND b.known_at < n.newest - interval '400 days')
INSERT INTO bin_outcome (device_id, made_at, known_at, situation, ratio)
SELECT new.device_id, new.made_at, new.known_at, new.situation, new.ratio
  FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::int2[], $5::float8[])
       AS new (device_id, made_at, known_at, situation, ratio)
  JOIN device USING (device_id)
    ON CONFLICT (device_id, made_at)
    DO UPDATE SET known_at = excluded.known_at, situation = excluded.situation, ratio = excluded.ratio;

-- day_reports --
-- $1 text[] device_id, $2 timestamptz[] day
-- Reports of a device on a day: as many as its most talkative datastream has rows; and the rhythm it is known by now.
SELECT w.device_id, w.day, coalesce(max(r.n_all), 0) AS reports, min(p.learned_interval) AS learned_interval
  FROM unnest($1::text[], $2::timestamptz[]) AS w (device_id, day)
  JOIN datastream AS s ON s.device_id = w.device_id AND s.method IS NULL
  LEFT JOIN rollup_day AS r ON r.datastream_id = s.datastream_id AND r.bucket = w.day
  LEFT JOIN device_presence AS p ON p.device_id = w.device_id
 GROUP BY w.device_id, w.day;

-- battery_days --
-- $1 text[] device_id, $2 timestamptz[] from, $3 timestamptz[] until
-- Daily means of each device's battery within each span, in time order.
SELECT w.device_id, w.until, r.bucket, r.sum / r.n AS level, r.n, r.n_good
  FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS w (device_id, since, until)
  JOIN datastream AS s ON s.device_id = w.device_id AND s.property = 'battery' AND s.method IS NULL
  JOIN rollup_day AS r
    ON r.datastream_id = s.datastream_id AND r.bucket >= w.since AND r.bucket < w.until AND r.n > 0
 ORDER BY w.device_id, w.until, r.bucket;

-- neighbour_differences --
-- $1 text[] device_id, $2 timestamptz[] day, $3 text[] properties, $4 float8 radius in metres, $5 int neighbours
-- For each device, day and property: by how much each hour's mean differs from the median of its nearest neighbours that
-- measure the same, of hours in which three of them and more have one. Distances are those of a plane: a city is small.
SELECT w.device_id, w.day, s.property, array_agg(h.mean - n.middle ORDER BY h.bucket) AS differences
  FROM unnest($1::text[], $2::timestamptz[]) AS w (device_id, day)
  JOIN device AS d ON d.device_id = w.device_id AND d.latitude IS NOT NULL AND d.longitude IS NOT NULL
  JOIN datastream AS s ON s.device_id = d.device_id AND s.property = ANY ($3::text[]) AND s.method IS NULL
 CROSS JOIN LATERAL (
       SELECT array_agg(near.datastream_id) AS streams
         FROM (SELECT t.datastream_id
                 FROM device AS o
                 JOIN datastream AS t ON t.device_id = o.device_id AND t.property = s.property AND t.method IS NULL
                CROSS JOIN LATERAL (SELECT 111320 * sqrt((o.latitude - d.latitude) ^ 2
                                                + ((o.longitude - d.longitude) * cosd(d.latitude)) ^ 2) AS far) AS m
                WHERE o.device_id <> d.device_id AND o.source_id = d.source_id AND m.far <= $4::float8
                ORDER BY m.far, t.datastream_id
                LIMIT $5::int) AS near) AS around
 CROSS JOIN LATERAL (
       SELECT r.bucket, r.sum / r.n AS mean
         FROM rollup_hour AS r
        WHERE r.datastream_id = s.datastream_id AND r.bucket >= w.day AND r.bucket < w.day + interval '1 day'
          AND r.n > 0) AS h
 CROSS JOIN LATERAL (
       SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY r.sum / r.n) AS middle, count(*) AS n
         FROM rollup_hour AS r
        WHERE r.datastream_id = ANY (around.streams) AND r.bucket = h.bucket AND r.n > 0) AS n
 WHERE cardinality(around.streams) >= 3 AND n.n >= 3
 GROUP BY w.device_id, w.day, s.property;

-- past_offsets --
-- $1 text[] device_id, $2 timestamptz from, $3 timestamptz until (not included), $4 text[] properties
-- Daily offsets as they were derived.
SELECT s.device_id, s.property, o.phenomenon_time, o.result
  FROM datastream AS s
  JOIN observation AS o USING (datastream_id)
 WHERE s.device_id = ANY ($1::text[]) AND s.property = ANY ($4::text[]) AND s.method IS NOT NULL
   AND o.phenomenon_time >= $2::timestamptz AND o.phenomenon_time < $3::timestamptz AND o.result IS NOT NULL;

-- name_derived --
-- $1 text[] device_id, $2 text[] property, $3 text[] unit, $4 text[] method, $5 text[] edition
-- Make the derived datastreams that are not there yet and bring method and edition of the others up to date. One that
-- a device measures stays its own.
INSERT INTO datastream AS old (device_id, property, unit, method, edition)
SELECT new.device_id, new.property, new.unit, new.method, new.edition
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
       AS new (device_id, property, unit, method, edition)
  JOIN device USING (device_id)
 ORDER BY new.device_id, new.property
    ON CONFLICT (device_id, property) DO UPDATE SET method = excluded.method, edition = excluded.edition
 WHERE old.method IS NOT NULL AND (old.method, old.edition) IS DISTINCT FROM (excluded.method, excluded.edition);

-- find_derived --
-- $1 text[] device_id, $2 text[] property
SELECT s.datastream_id, s.device_id, s.property, s.method, s.edition
  FROM unnest($1::text[], $2::text[]) AS wanted (device_id, property)
  JOIN datastream AS s USING (device_id, property)
 WHERE s.method IS NOT NULL;

-- derived_so_far --
-- $1 int[] datastream_id, $2 timestamptz[] phenomenon_time
SELECT o.datastream_id, o.phenomenon_time, o.result, o.quality
  FROM unnest($1::int[], $2::timestamptz[]) AS w (datastream_id, phenomenon_time)
  JOIN observation AS o
    ON o.datastream_id = w.datastream_id AND o.phenomenon_time = w.phenomenon_time;

-- store_derived --
-- $1 int[] datastream_id, $2 timestamptz[] phenomenon_time, $3 timestamptz received_at, $4 float8[] result,
-- $5 int2[] quality
INSERT INTO observation (datastream_id, phenomenon_time, received_at, result, quality)
SELECT d, t, $3::timestamptz, v, q
  FROM unnest($1::int[], $2::timestamptz[], $4::float8[], $5::int2[]) AS new (d, t, v, q)
 ORDER BY d, t;

-- revise_derived --
-- $1 int[] datastream_id, $2 timestamptz[] phenomenon_time, $3 float8[] result, $4 int2[] quality,
-- $5 and $6 timestamptz least and greatest phenomenon_time, by which whole weeks are left out
UPDATE observation AS o
   SET result = new.result, quality = new.quality
  FROM unnest($1::int[], $2::timestamptz[], $3::float8[], $4::int2[])
       AS new (datastream_id, phenomenon_time, result, quality)
 WHERE o.datastream_id = new.datastream_id AND o.phenomenon_time = new.phenomenon_time
   AND o.datastream_id = ANY ($1::int[]) AND o.phenomenon_time BETWEEN $5::timestamptz AND $6::timestamptz;

-- ask_again_hours --
-- $1 timestamptz since, $2 timestamptz until (not included), $3 timestamptz wall clock, $4 text[] properties
-- Every complete hour of the span whose twelve hours hold readings, to be worked out again.
INSERT INTO indicator_due (device_id, kind, due_at, complete_at, again)
SELECT DISTINCT d.device_id, 'air', due.at, due.at, true
  FROM device AS d
  JOIN source AS s USING (source_id)
  LEFT JOIN indicator_progress AS c USING (source_id)
  JOIN datastream AS t ON t.device_id = d.device_id AND t.property = ANY ($4::text[]) AND t.method IS NULL
  JOIN rollup_hour AS r ON r.datastream_id = t.datastream_id
 CROSS JOIN LATERAL generate_series(r.bucket + interval '1 hour', r.bucket + interval '12 hours', interval '1 hour')
       AS due (at)
 WHERE r.bucket >= $1::timestamptz - interval '12 hours' AND r.bucket < $2::timestamptz
   AND due.at >= $1 AND due.at < $2
   AND due.at <= CASE s.kind WHEN 'live' THEN $3::timestamptz ELSE c.clock END
    ON CONFLICT (device_id, kind, due_at) DO NOTHING;

-- ask_again_quarters --
-- $1 timestamptz since, $2 timestamptz until (not included), $3 timestamptz wall clock
-- Of roads, and of bins that report more than once a minute.
INSERT INTO indicator_due (device_id, kind, due_at, complete_at, again)
SELECT d.device_id, CASE t.property WHEN 'fill_level' THEN 'bin_quarter' ELSE 'road' END,
       r.bucket + interval '15 minutes', r.bucket + interval '15 minutes', true
  FROM device AS d
  JOIN source AS s USING (source_id)
  LEFT JOIN indicator_progress AS c USING (source_id)
  JOIN datastream AS t
    ON t.device_id = d.device_id AND t.method IS NULL
   AND (t.property = 'vehicle_speed' OR t.property = 'fill_level' AND d.expected_interval < interval '1 minute')
  JOIN rollup_quarter AS r ON r.datastream_id = t.datastream_id
 WHERE r.bucket + interval '15 minutes' >= $1::timestamptz AND r.bucket + interval '15 minutes' < $2::timestamptz
   AND r.bucket + interval '15 minutes' <= CASE s.kind WHEN 'live' THEN $3::timestamptz ELSE c.clock END
    ON CONFLICT (device_id, kind, due_at) DO NOTHING;

-- ask_again_readings --
-- $1 timestamptz since, $2 timestamptz until (not included), $3 timestamptz wall clock
INSERT INTO indicator_due (device_id, kind, due_at, complete_at, again)
SELECT d.device_id, 'bin', o.phenomenon_time, o.phenomenon_time, true
  FROM device AS d
  JOIN source AS s USING (source_id)
  LEFT JOIN indicator_progress AS c USING (source_id)
  JOIN datastream AS t ON t.device_id = d.device_id AND t.property = 'fill_level' AND t.method IS NULL
  JOIN observation AS o ON o.datastream_id = t.datastream_id
 WHERE d.expected_interval >= interval '1 minute'
   AND o.phenomenon_time >= $1::timestamptz AND o.phenomenon_time < $2::timestamptz
   AND o.phenomenon_time <= CASE s.kind WHEN 'live' THEN $3::timestamptz ELSE c.clock END
    ON CONFLICT (device_id, kind, due_at) DO NOTHING;

-- ask_again_days --
-- $1 timestamptz since, $2 timestamptz until (not included), $3 timestamptz wall clock
INSERT INTO indicator_due (device_id, kind, due_at, complete_at, again)
SELECT DISTINCT d.device_id, 'health', due.at, due.at, true
  FROM device AS d
  JOIN source AS s USING (source_id)
  LEFT JOIN indicator_progress AS c USING (source_id)
  JOIN datastream AS t ON t.device_id = d.device_id AND t.method IS NULL
  JOIN rollup_day AS r ON r.datastream_id = t.datastream_id
 CROSS JOIN LATERAL (VALUES (r.bucket + interval '1 day'), (r.bucket + interval '2 days')) AS due (at)
 WHERE r.bucket >= $1::timestamptz - interval '2 days' AND r.bucket < $2::timestamptz
   AND due.at >= $1 AND due.at < $2
   AND due.at <= CASE s.kind WHEN 'live' THEN $3::timestamptz ELSE c.clock END
    ON CONFLICT (device_id, kind, due_at) DO NOTHING;

-- ask_again_spans --
-- $1 timestamptz since, $2 timestamptz until (not included), $3 timestamptz wall clock, $4 text[] properties, $5 text kind,
-- $6 interval width of its periods
-- Every complete period of the span in which such a property has readings, to be worked out again.
INSERT INTO indicator_due (device_id, kind, due_at, complete_at, again)
SELECT DISTINCT d.device_id, $5::text, due.at, due.at, true
  FROM device AS d
  JOIN source AS s USING (source_id)
  LEFT JOIN indicator_progress AS c USING (source_id)
  JOIN datastream AS t ON t.device_id = d.device_id AND t.property = ANY ($4::text[]) AND t.method IS NULL
  JOIN rollup_hour AS r ON r.datastream_id = t.datastream_id
 CROSS JOIN LATERAL (SELECT time_bucket($6::interval, r.bucket) + $6::interval AS at) AS due
 WHERE r.bucket >= $1::timestamptz - $6::interval AND r.bucket < $2::timestamptz
   AND due.at >= $1 AND due.at < $2
   AND due.at <= CASE s.kind WHEN 'live' THEN $3::timestamptz ELSE c.clock END
    ON CONFLICT (device_id, kind, due_at) DO NOTHING;

-- count_again --
SELECT count(*) FROM indicator_due WHERE again;
