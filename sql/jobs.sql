-- rule_enabled --
-- $1 text rule_id
SELECT EXISTS (SELECT FROM rule WHERE rule_id = $1 AND enabled);

-- begin --
-- $1 text rule_id, $2 text text or null, $3 timestamptz since, $4 timestamptz until, $5 text actor
INSERT INTO backtest (rule_id, text, since, until, actor) VALUES ($1, $2, $3, $4, $5) RETURNING backtest_id;

-- take_job_lock --
-- One look-back at a time; whoever comes second waits.
SELECT pg_advisory_lock(7228032);

-- waiting --
SELECT count(*) FROM backtest WHERE state = 'waiting';

-- next --
-- The oldest job that waits, or that was left by a process that died; it is ours now.
UPDATE backtest
   SET state = 'running', touched_at = now(), error = NULL
 WHERE backtest_id = (SELECT backtest_id FROM backtest WHERE state IN ('waiting', 'running') ORDER BY backtest_id LIMIT 1)
RETURNING backtest_id, rule_id, text, since, until;

-- progress --
-- $1 bigint backtest_id, $2 int done, $3 int of
UPDATE backtest SET done = $2, of = $3, touched_at = now() WHERE backtest_id = $1 RETURNING state;

-- finish --
-- $1 bigint backtest_id, $2 text state, $3 jsonb result, $4 text error
UPDATE backtest SET state = $2, result = $3, error = $4, touched_at = now()
 WHERE backtest_id = $1 AND state = 'running';

-- cancel --
-- $1 bigint backtest_id
UPDATE backtest SET state = 'cancelled', touched_at = now()
 WHERE backtest_id = $1 AND state IN ('waiting', 'running')
RETURNING backtest_id;

-- jobs --
-- $1 bigint backtest_id or null, $2 bigint before backtest_id or null, $3 int limit, $4 interval after which one is lost
SELECT backtest_id, rule_id, text IS NOT NULL AS changed, since, until, actor,
       CASE WHEN state = 'running' AND touched_at < now() - $4::interval THEN 'lost' ELSE state END AS state,
       done, of, CASE WHEN $1::bigint IS NOT NULL THEN result END AS result, error, created_at, touched_at
  FROM backtest
 WHERE ($1::bigint IS NULL OR backtest_id = $1) AND ($2::bigint IS NULL OR backtest_id < $2)
 ORDER BY backtest_id DESC
 LIMIT $3::int;
