-- arrive --
-- $1 int class, $2 int parts
-- Be counted among those alive that divide by this number, until the session ends.
SELECT pg_advisory_lock_shared($1, $2);

-- end_soon --
-- A process that was killed ends its session at once; one whose machine or cable is gone only when the server notices: by
-- these after about five seconds. Over a local socket they mean nothing.
SELECT set_config('tcp_keepalives_idle', '2', false), set_config('tcp_keepalives_interval', '1', false),
       set_config('tcp_keepalives_count', '2', false), set_config('tcp_user_timeout', '4000', false);

-- who_is_there --
-- $1 int class of the parts, $2 int class of those alive, $3 int parts
-- How many live that divide by this number, and which parts are held by anybody.
SELECT count(*) FILTER (WHERE classid = $2::int::oid AND objid = $3::int::oid) AS alive,
       coalesce(array_agg(objid::int8::int) FILTER (WHERE classid = $1::int::oid), '{}') AS held
  FROM pg_locks
 WHERE locktype = 'advisory' AND objsubid = 2 AND granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND classid IN ($1::int::oid, $2::int::oid);

-- take --
-- $1 int class, $2 int part
SELECT pg_try_advisory_lock($1, $2);

-- give_back --
-- $1 int class, $2 int part
SELECT pg_advisory_unlock($1, $2);

-- parts --
-- $1 text consumer
-- By how many its positions are divided.
SELECT coalesce((SELECT parts FROM division WHERE consumer = $1), 1);

-- lock_positions --
-- $1 text[] consumer: all parts of one
SELECT consumer, seq FROM consumer_position WHERE consumer = ANY ($1) ORDER BY consumer FOR UPDATE;

-- save_division --
-- $1 text consumer, $2 int parts, $3 text[] names of the parts, $4 bigint seq
-- All parts begin at one position; parts that are no more hold the tail back no more.
WITH gone AS (
    DELETE FROM consumer_position WHERE split_part(consumer, '-', 1) = $1 AND consumer <> ALL ($3)),
begun AS (
    INSERT INTO consumer_position (consumer, seq)
    SELECT unnest($3::text[]), $4
        ON CONFLICT (consumer) DO UPDATE SET seq = excluded.seq, updated_at = clock_timestamp())
INSERT INTO division (consumer, parts) VALUES ($1, $2)
    ON CONFLICT (consumer) DO UPDATE SET parts = excluded.parts;
