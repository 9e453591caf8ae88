-- begin_job --
-- $1 text domain or null, $2 text profile or null, $3 boolean at_restart, $4 text actor, $5 int of, $6 timestamptz now, $7 interval after which one is lost
-- No row where another one runs: both would want the same devices.
INSERT INTO credential_job (domain, profile, at_restart, actor, state, of, created_at, touched_at)
SELECT $1::text, $2::text, $3::boolean, $4::text, 'running', $5::int, $6::timestamptz, $6::timestamptz
 WHERE NOT EXISTS (SELECT FROM credential_job WHERE state = 'running' AND touched_at > $6::timestamptz - $7::interval)
RETURNING job_id;

-- forget_parts --
-- $1 timestamptz before: what nobody fetched of jobs begun before.
DELETE FROM credential_job_part
 WHERE job_id IN (SELECT job_id FROM credential_job WHERE created_at < $1::timestamptz);

-- keep_part --
-- $1 bigint job_id, $2 int part, $3 bytea sealed
INSERT INTO credential_job_part (job_id, part, sealed) VALUES ($1, $2, $3);

-- job_progress --
-- $1 bigint job_id, $2 int done, $3 timestamptz now
UPDATE credential_job SET done = $2::int, touched_at = $3::timestamptz WHERE job_id = $1 RETURNING state;

-- end_job --
-- $1 bigint job_id, $2 text state, $3 text error or null, $4 timestamptz now
-- No row where it is over already.
UPDATE credential_job SET state = $2::text, error = $3::text, touched_at = $4::timestamptz
 WHERE job_id = $1 AND state = 'running'
RETURNING job_id;

-- credential_jobs --
-- $1 bigint job_id or null, $2 bigint before job_id or null, $3 int limit, $4 timestamptz now, $5 interval after which one is lost
-- $6 timestamptz before which passwords are too old
SELECT job_id, domain, profile, at_restart, actor, done, of, error, created_at, touched_at, fetched_at,
       CASE WHEN state = 'running' AND touched_at < $4::timestamptz - $5::interval THEN 'lost' ELSE state END AS state,
       created_at >= $6::timestamptz
       AND EXISTS (SELECT FROM credential_job_part AS p WHERE p.job_id = j.job_id) AS waiting
  FROM credential_job AS j
 WHERE ($1::bigint IS NULL OR job_id = $1) AND ($2::bigint IS NULL OR job_id < $2)
 ORDER BY job_id DESC
 LIMIT $3::int;

-- take_parts --
-- $1 bigint job_id
-- The sealed passwords, which are gone with that unless the transaction fails. In no order.
DELETE FROM credential_job_part WHERE job_id = $1 RETURNING part, sealed;

-- note_fetched --
-- $1 bigint job_id, $2 timestamptz now
UPDATE credential_job SET fetched_at = $2::timestamptz WHERE job_id = $1;
