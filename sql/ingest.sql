-- take_delivery_keys --
-- $1 text[] device_id, $2 text[] delivery_key, $3 timestamptz[] received_at, $4 timestamptz[] since, $5 int slot
-- Returns the keys not seen since `since`, nor as little later as that is earlier: those messages are new, the others are
-- redeliveries. (An older message comes after a newer one when it is played again.) No key comes twice.
INSERT INTO delivery AS old (device_id, delivery_key, received_at, since, slot)
SELECT d, k, r, s, $5::int
  FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS new (d, k, r, s)
 ORDER BY d, k
    ON CONFLICT (device_id, delivery_key) DO UPDATE
   SET received_at = greatest(old.received_at, EXCLUDED.received_at), since = greatest(old.since, EXCLUDED.since),
       slot = CASE WHEN old.received_at > EXCLUDED.received_at THEN old.slot ELSE EXCLUDED.slot END
 WHERE old.received_at < EXCLUDED.since
    OR old.received_at - EXCLUDED.received_at > EXCLUDED.received_at - EXCLUDED.since
RETURNING device_id, delivery_key;

-- last_delivery --
-- $1 int slot
SELECT max(received_at) FROM delivery WHERE slot = $1::int;

-- forget_deliveries --
-- $1 int slot, $2 timestamptz before, $3 timestamptz before for every other slot, $4 int limit
-- Slot by slot, so that the index finds the oldest of each. Returns how many went. What is taken anew meanwhile stays.
WITH RECURSIVE known (slot) AS (
    SELECT min(slot) FROM delivery
     UNION ALL
    SELECT (SELECT min(d.slot) FROM delivery AS d WHERE d.slot > known.slot)
      FROM known
     WHERE known.slot IS NOT NULL
), gone AS (
    DELETE FROM delivery
     WHERE received_at < greatest($2::timestamptz, $3::timestamptz) AND ctid = ANY (ARRAY(
           SELECT old.place
             FROM known
            CROSS JOIN LATERAL (
                  SELECT ctid AS place
                    FROM delivery
                   WHERE slot = known.slot AND received_at < CASE WHEN known.slot = $1::int THEN $2 ELSE $3 END
                   ORDER BY received_at
                   LIMIT $4::int) AS old
            LIMIT $4::int))
    RETURNING 1
)
SELECT count(*) FROM gone;

-- store_observations --
-- $1 int[] datastream_id, $2 timestamptz[] phenomenon_time, $3 timestamptz[] received_at, $4 float8[] result,
-- $5 int2[] quality, $6 int2[] tests, each as text (sql/observations.py), $7 jsonb clocks, $8 int2 worker, $9 bool lagging
-- Rows and their tail in one statement, so that the arrays travel once. Redelivery is a no-op. Sorted, so that two
-- writers with the same keys cannot deadlock, and by arrival, so that of two readings for one time the first is kept.
-- The tail's lock comes after the rows and before nextval: the order of seq is the order of commit, if little follows.
-- The keys come back only when some rows were not new.
WITH fresh AS (
    INSERT INTO observation (datastream_id, phenomenon_time, received_at, result, quality, tests)
    SELECT d, t, r, v, q, s
      FROM unnest($1::text::int[], $2::text::timestamptz[], $3::text::timestamptz[], $4::text::float8[],
                  $5::text::int2[], $6::text::int2[])
           WITH ORDINALITY AS new (d, t, r, v, q, s, n)
     ORDER BY d, t, n
        ON CONFLICT (datastream_id, phenomenon_time) DO NOTHING
    RETURNING datastream_id, phenomenon_time, received_at, result, quality
), new AS MATERIALIZED (
    SELECT count(*) AS stored, coalesce(array_agg(datastream_id), '{}') AS d, coalesce(array_agg(phenomenon_time), '{}') AS t,
           coalesce(array_agg(received_at), '{}') AS r, coalesce(array_agg(result), '{}') AS v,
           coalesce(array_agg(quality), '{}') AS q
      FROM fresh
), turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(7228001) FROM new WHERE stored > 0 OR $7::jsonb <> '{}'
), tail AS (
    INSERT INTO ingest_batch (seq, datastream_id, phenomenon_time, received_at, result, quality, clocks, worker, lagging)
    SELECT nextval('ingest_batch_seq'), d, t, r, v, q, $7::jsonb, $8::int2, $9::bool FROM new CROSS JOIN turn
    RETURNING seq, pg_notify('citywatch_tail', '')
)
SELECT stored,
       CASE WHEN stored < cardinality($1::text::int[]) THEN d END AS datastream_id,
       CASE WHEN stored < cardinality($1::text::int[]) THEN t END AS phenomenon_time
  FROM new LEFT JOIN tail ON true;

-- say_present --
-- $1 int2 worker
-- An empty tail row of a worker that has nothing to write, so that nobody takes it for one that is gone.
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(7228001))
INSERT INTO ingest_batch (seq, datastream_id, phenomenon_time, received_at, result, quality, worker)
SELECT nextval('ingest_batch_seq'), '{}', '{}', '{}', '{}', '{}', $1::int2
  FROM turn;

-- keep_rejected --
-- $1 timestamptz[] received_at, $2 text[] fate, $3 text[] reason, $4 text[] detail, $5 text[] device_id, $6 text[] topic,
-- $7 bytea[] payload, $8 int[] payload_size, $9 bigint[] payload_key, $10 bool[] again
-- `again` marks what the broker says it has sent before: that is kept once.
INSERT INTO rejected_message (received_at, fate, reason, detail, device_id, topic, payload, payload_size, payload_key)
SELECT r, f, reason, detail, d, topic, p, size, key
  FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::int[],
              $9::bigint[], $10::bool[]) AS new (r, f, reason, detail, d, topic, p, size, key, again)
 WHERE NOT (again AND EXISTS (
           SELECT 1
             FROM rejected_message AS kept
            WHERE kept.payload_key = new.key AND kept.topic = new.topic
              AND kept.received_at > new.r - interval '2 days'));

-- count_deliveries --
-- $1 text[] device_id, $2 timestamptz[] hour, then int[]: $3 received, $4 accepted, $5 rejected, $6 readings, $7 stored,
-- $8 duplicate, $9 refused; all but the first as text (sql/observations.py)
-- Returns the transaction: a writer that loses its connection during the commit can ask what became of it.
WITH counted AS (
INSERT INTO delivery_account AS old (device_id, hour, received, accepted, rejected, readings, stored, duplicate, refused)
SELECT *
  FROM unnest($1::text[], $2::text::timestamptz[], $3::text::int[], $4::text::int[], $5::text::int[], $6::text::int[],
              $7::text::int[], $8::text::int[], $9::text::int[])
       AS new (device_id, hour, received, accepted, rejected, readings, stored, duplicate, refused)
 ORDER BY device_id, hour
    ON CONFLICT (device_id, hour) DO UPDATE
   SET received = old.received + EXCLUDED.received, accepted = old.accepted + EXCLUDED.accepted,
       rejected = old.rejected + EXCLUDED.rejected, readings = old.readings + EXCLUDED.readings,
       stored = old.stored + EXCLUDED.stored, duplicate = old.duplicate + EXCLUDED.duplicate,
       refused = old.refused + EXCLUDED.refused)
SELECT pg_current_xact_id()::text;

-- advance_clocks --
-- $1 text[] source_id, $2 timestamptz[] clock
-- A source's clock never goes back.
UPDATE source
   SET clock = new.clock
  FROM unnest($1::text[], $2::timestamptz[]) AS new (source_id, clock)
 WHERE source.source_id = new.source_id AND (source.clock IS NULL OR source.clock < new.clock);

-- transaction_status --
-- $1 text transaction_id
SELECT pg_xact_status($1::text::xid8);

-- is_stored --
-- $1 int datastream_id, $2 timestamptz phenomenon_time, $3 timestamptz received_at
-- Whether a row is there as of that very arrival: so the transaction that wrote it did commit.
SELECT EXISTS (
       SELECT FROM observation WHERE datastream_id = $1 AND phenomenon_time = $2 AND received_at = $3);

-- append_revision --
-- $1 int[] datastream_id, $2 timestamptz[] phenomenon_time, $3 timestamptz[] received_at, $4 float8[] result,
-- $5 int2[] quality, $6 int2[] old_quality
-- A tail row of changes: the same observations before and after.
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(7228001))
INSERT INTO ingest_batch (seq, datastream_id, phenomenon_time, received_at, result, quality, old_result, old_quality)
SELECT nextval('ingest_batch_seq'), $1::int[], $2::timestamptz[], $3::timestamptz[], $4::float8[], $5::int2[],
       $4::float8[], $6::int2[]
  FROM turn
RETURNING seq, pg_notify('citywatch_tail', '');

-- revise_observations --
-- $1 int[] datastream_id, $2 timestamptz[] phenomenon_time, $3 int2[] old_quality, $4 int2[] quality, $5 int2[] tests,
-- $6 and $7 timestamptz least and greatest phenomenon_time, by which whole weeks are left out
-- Only what still has the quality that the verdict was made against; the tests are added to those that are there.
UPDATE observation AS o
   SET quality = new.quality, tests = o.tests | new.tests
  FROM (SELECT * FROM unnest($1::int[], $2::timestamptz[], $3::int2[], $4::int2[], $5::int2[])
                   AS u (datastream_id, phenomenon_time, old_quality, quality, tests)
         ORDER BY datastream_id, phenomenon_time) AS new
 WHERE o.datastream_id = new.datastream_id AND o.phenomenon_time = new.phenomenon_time
   AND o.quality = new.old_quality
   AND o.datastream_id = ANY ($1::int[]) AND o.phenomenon_time BETWEEN $6::timestamptz AND $7::timestamptz
RETURNING o.datastream_id, o.phenomenon_time, o.received_at, o.result, new.old_quality, o.quality;

-- find_conflicts --
-- $1 int[] datastream_id, $2 timestamptz[] phenomenon_time, $3 float8[] result, $4 int2 the conflict's bit in tests
-- Readings that are there already with another result, and not yet marked for it.
SELECT DISTINCT o.datastream_id, o.phenomenon_time, o.quality
  FROM unnest($1::int[], $2::timestamptz[], $3::float8[]) AS said (datastream_id, phenomenon_time, result)
  JOIN observation AS o
    ON o.datastream_id = said.datastream_id AND o.phenomenon_time = said.phenomenon_time
 WHERE o.result IS DISTINCT FROM said.result AND o.tests & $4::int2 = 0;

-- recent_observations --
-- $1 int[] datastream_id, $2 int how many of each
-- The newest readings of each datastream, oldest first.
SELECT w.datastream_id, o.phenomenon_time, o.received_at, o.result, o.quality, o.tests
  FROM unnest($1::int[]) AS w (datastream_id)
 CROSS JOIN LATERAL (
       SELECT phenomenon_time, received_at, result, quality, tests
         FROM observation
        WHERE datastream_id = w.datastream_id
        ORDER BY phenomenon_time DESC
        LIMIT $2::int) AS o
 ORDER BY w.datastream_id, o.phenomenon_time;

-- flat_since --
-- $1 int[] datastream_id, $2 timestamptz[] from, $3 timestamptz[] until, $4 float8[] low, $5 float8[] high,
-- $6 interval[] silence
-- Since when each has stayed strictly between `low` and `high`, without a silence, up to `until`.
SELECT w.datastream_id, run.start
  FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[], $4::float8[], $5::float8[], $6::interval[])
       AS w (datastream_id, since, until, low, high, silence)
 CROSS JOIN LATERAL (
       SELECT coalesce(max(CASE WHEN outside THEN following WHEN silent THEN at END), min(at)) AS start
         FROM (SELECT phenomenon_time AS at,
                      lead(phenomenon_time) OVER by_time AS following,
                      NOT (result > w.low AND result < w.high) AS outside,
                      phenomenon_time - lag(phenomenon_time) OVER by_time > w.silence AS silent
                 FROM observation
                WHERE datastream_id = w.datastream_id AND phenomenon_time BETWEEN w.since AND w.until
               WINDOW by_time AS (ORDER BY phenomenon_time)) AS sample) AS run;

-- record_floods --
-- $1 text[] device_id, $2 timestamptz[] began_at, $3 timestamptz[] last_at, $4 int[] messages, $5 float8[] rate,
-- $6 float8[] usual rate, $7 int[] set aside
INSERT INTO device_flood AS old (device_id, began_at, last_at, messages, peak_rate, usual_rate, set_aside)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::int[], $5::float8[], $6::float8[], $7::int[])
           AS new (device_id, began_at, last_at, messages, peak_rate, usual_rate, set_aside)
 ORDER BY device_id, began_at
    ON CONFLICT (device_id, began_at) DO UPDATE
   SET last_at = EXCLUDED.last_at, messages = old.messages + EXCLUDED.messages,
       peak_rate = greatest(old.peak_rate, EXCLUDED.peak_rate), set_aside = old.set_aside + EXCLUDED.set_aside;

-- record_clocks --
-- $1 text[] device_id, $2 text[] kind, $3 float8[] offset_seconds, $4 bool[] corrected, $5 timestamptz noticed_at
INSERT INTO device_clock (device_id, kind, offset_seconds, corrected, noticed_at)
SELECT new.*, $5::timestamptz
  FROM unnest($1::text[], $2::text[], $3::float8[], $4::bool[]) AS new (device_id, kind, offset_seconds, corrected)
 WHERE EXISTS (SELECT 1 FROM device WHERE device.device_id = new.device_id)
 ORDER BY device_id
    ON CONFLICT (device_id) DO UPDATE
   SET kind = EXCLUDED.kind, offset_seconds = EXCLUDED.offset_seconds, corrected = EXCLUDED.corrected,
       noticed_at = EXCLUDED.noticed_at;

-- corrected_clocks --
SELECT device_id, offset_seconds FROM device_clock WHERE corrected;
