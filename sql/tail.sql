-- begin_consumer --
-- $1 text consumer
-- A consumer seen for the first time starts at the beginning of the tail.
INSERT INTO consumer_position (consumer, seq) VALUES ($1, 0) ON CONFLICT (consumer) DO NOTHING;

-- lock_position --
-- $1 text consumer
-- Held until the transaction ends: two instances of one consumer take turns, the second reads what the first saved.
SELECT seq FROM consumer_position WHERE consumer = $1 FOR UPDATE;

-- save_position --
-- $1 text consumer, $2 bigint seq
UPDATE consumer_position SET seq = $2, updated_at = clock_timestamp() WHERE consumer = $1;

-- read_batches --
-- $1 bigint position, $2 int rows
-- The batches after the position, in commit order, until they hold the wanted number of rows; at least one.
SELECT seq, at, datastream_id, phenomenon_time, received_at, result, quality, old_result, old_quality, clocks,
       worker, lagging
  FROM (SELECT *, sum(size) OVER (ORDER BY seq) - size AS before
          FROM ingest_batch
         WHERE seq > $1
         ORDER BY seq
         LIMIT 4096) AS next
 WHERE before < $2
 ORDER BY seq;

-- append_rows --
-- $1 int[] datastream_id, $2 timestamptz[] phenomenon_time, $3 timestamptz[] received_at, $4 float8[] result,
-- $5 int2[] quality, $6 float8[] old_result, $7 int2[] old_quality: null for new rows, else what the rows replace
-- A tail row of a writer that takes no deliveries. The lock makes the order of seq the order of commit: nothing but
-- another tail row may follow in the transaction.
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(7228001))
INSERT INTO ingest_batch (seq, datastream_id, phenomenon_time, received_at, result, quality, old_result, old_quality)
SELECT nextval('ingest_batch_seq'), $1::int[], $2::timestamptz[], $3::timestamptz[], $4::float8[], $5::int2[],
       $6::float8[], $7::int2[]
  FROM turn
RETURNING seq, pg_notify('citywatch_tail', '');
