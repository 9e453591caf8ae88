-- is_waited_for --
-- $1 int: whether somebody waits for what the backend of this process id holds.
SELECT EXISTS (SELECT FROM pg_stat_activity
                WHERE wait_event_type = 'Lock' AND backend_type = 'client backend' AND $1 = ANY (pg_blocking_pids(pid)));

-- delete_rollups --
-- $1 int[] datastream_id, $2 timestamptz before. Another rollup's name is put in place of rollup_minute.
DELETE FROM rollup_minute WHERE datastream_id = ANY ($1::int[]) AND bucket < $2::timestamptz;

-- delete_area_hours --
-- $1 timestamptz before
DELETE FROM rollup_area_hour WHERE bucket < $1::timestamptz;

-- folded_streams --
SELECT datastream_id FROM fold_stream ORDER BY datastream_id;

-- delete_said --
-- $1 timestamptz from, $2 timestamptz to (not included)
-- What SensorThings clients said about observations beside their results.
DELETE FROM sta_observation WHERE phenomenon_time >= $1::timestamptz AND phenomenon_time < $2::timestamptz;

-- delete_rejected --
-- $1 timestamptz before, $2 int limit
DELETE FROM rejected_message
 WHERE rejected_id IN (SELECT rejected_id FROM rejected_message WHERE received_at < $1::timestamptz
                        ORDER BY received_at LIMIT $2::int);

-- delete_tail --
-- $1 timestamptz before, $2 int limit
-- What every consumer has read and no checkpoint needs. The newest row stays: it says that there was something.
DELETE FROM ingest_batch
 WHERE seq IN (SELECT seq FROM ingest_batch
                WHERE at < $1::timestamptz
                  AND seq <= (SELECT min(seq) FROM (SELECT seq FROM consumer_position
                                                     UNION ALL
                                                    SELECT seq FROM rule_checkpoint) AS reader)
                  AND seq < (SELECT max(seq) FROM ingest_batch)
                ORDER BY seq LIMIT $2::int);

-- expired_alerts --
-- $1 timestamptz before, $2 int limit
-- Closed, with no work left to do, and both happened and recorded before: an alert on replayed history is as old as its
-- record.
SELECT array_agg(alert_id)
  FROM (SELECT alert_id FROM alert AS a
         WHERE NOT open AND coalesce(cleared_at, raised_at) < $1::timestamptz AND recorded_at < $1::timestamptz
           AND NOT EXISTS (SELECT FROM work_order AS w
                            WHERE w.alert_id = a.alert_id AND w.state IN ('waiting', 'accepted', 'en_route'))
         ORDER BY raised_at LIMIT $2::int) AS old;

-- alert_dependents --
-- Tables whose rows hang on an alert and do not go with it by themselves.
SELECT c.conrelid::regclass::text AS "table", a.attname::text AS "column"
  FROM pg_constraint AS c
  JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
 WHERE c.contype = 'f' AND c.confrelid = 'alert'::regclass AND c.confdeltype IN ('a', 'r');

-- delete_alerts --
-- $1 bigint[] alert_id
DELETE FROM alert WHERE alert_id = ANY ($1::bigint[]);

-- delete_incidents --
-- $1 timestamptz before
DELETE FROM incident AS i
 WHERE closed_at < $1::timestamptz AND NOT EXISTS (SELECT FROM alert AS a WHERE a.incident_id = i.incident_id);

-- record_deletion --
-- $1 text class, $2 text reason, $3 timestamptz before, $4 bigint rows, $5 bigint bytes
INSERT INTO store_deletion (class, reason, before, rows, bytes) VALUES ($1, $2, $3, $4, $5);

-- deletions --
-- $1 int limit
-- The newest first.
SELECT at, class, reason, before, rows, bytes FROM store_deletion ORDER BY deletion_id DESC LIMIT $1::int;

-- rows_by_day --
-- Rows the fold has counted, by day of their phenomenon time: what is stored, without a look at the raw rows.
SELECT bucket AS day, sum(n_all)::bigint AS rows FROM rollup_area_day GROUP BY bucket ORDER BY bucket;

-- table_sizes --
-- Tables of ours but the observations, with their indexes and what is stored apart.
SELECT c.relname::text AS name, pg_total_relation_size(c.oid) AS bytes
  FROM pg_class AS c
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname <> 'observation'
   AND NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid)
 ORDER BY c.relname;

-- database_size --
SELECT pg_database_size(current_database());

-- time_range --
-- The first and the last day with a stored observation, by the fold's count.
SELECT min(bucket) AS oldest, max(last_time) AS newest
  FROM (SELECT min(bucket) AS bucket, max(last_time) AS last_time FROM rollup_day) AS all_days;
