-- subjects --
-- Every device as selectors see it, with its datastreams.
SELECT d.device_id, d.profile, d.domain, d.name, d.district_id, d.site_id, d.source_id, d.expected_interval, d.tags,
       d.latitude, d.longitude,
       coalesce(array_agg(s.datastream_id ORDER BY s.datastream_id) FILTER (WHERE s.datastream_id IS NOT NULL), '{}')
           AS datastream_ids,
       coalesce(array_agg(s.property ORDER BY s.datastream_id) FILTER (WHERE s.datastream_id IS NOT NULL), '{}')
           AS properties,
       coalesce(array_agg(s.method IS NOT NULL ORDER BY s.datastream_id) FILTER (WHERE s.datastream_id IS NOT NULL), '{}')
           AS derived
  FROM device AS d
  LEFT JOIN datastream AS s USING (device_id)
 GROUP BY d.device_id;

-- area_names --
-- What districts and sites are called.
SELECT 'district:' || district_id AS area, name FROM district
 UNION ALL
SELECT 'site:' || site_id, name FROM site;

-- stored_rules --
-- Every enabled rule in its present version.
SELECT rule_id, version, v.text, v.text_hash, r.origin
  FROM rule AS r
  JOIN rule_version AS v USING (rule_id, version)
 WHERE r.enabled
 ORDER BY rule_id;

-- rule_versions_known --
SELECT r.rule_id, r.version, r.enabled, r.origin, v.text_hash
  FROM rule AS r
  JOIN rule_version AS v USING (rule_id, version)
 ORDER BY rule_id
   FOR UPDATE OF r;

-- store_rule --
-- $1 text rule_id, $2 int version, $3 text origin
INSERT INTO rule (rule_id, version, origin) VALUES ($1, $2, $3)
    ON CONFLICT (rule_id) DO UPDATE SET version = $2, origin = $3, enabled = true, updated_at = now();

-- store_rule_version --
-- $1 text rule_id, $2 int version, $3 text text, $4 text text_hash, $5 jsonb definition, $6 text author,
-- $7 text tests, $8 text reason
INSERT INTO rule_version (rule_id, version, text, text_hash, definition, author, tests, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- lock_rule --
-- $1 text rule_id
SELECT version, enabled FROM rule WHERE rule_id = $1 FOR UPDATE;

-- switch_rule --
-- $1 text rule_id, $2 boolean enabled
UPDATE rule SET enabled = $2, origin = 'api', updated_at = clock_timestamp() WHERE rule_id = $1;

-- versions_of --
-- $1 text rule_id
SELECT version, text, text_hash, tests, author, reason, created_at, definition
  FROM rule_version
 WHERE rule_id = $1
 ORDER BY version DESC;

-- enable_rule --
-- $1 text rule_id, $2 boolean enabled
UPDATE rule SET enabled = $2, updated_at = now() WHERE rule_id = $1;

-- rule_text --
-- $1 text rule_id, $2 int version
SELECT text FROM rule_version WHERE rule_id = $1 AND version = $2;

-- rules_changed_at --
SELECT max(updated_at) FROM rule;

-- load_checkpoint --
-- $1 text consumer
SELECT seq, clocks FROM rule_checkpoint WHERE consumer = $1;

-- load_streams --
-- $1 int part. What was kept before 0240 is JSON.
SELECT device_id, coalesce(frozen, convert_to(state::text, 'UTF8')) FROM rule_stream WHERE part = $1;

-- heard_devices --
-- Whom any part has heard.
SELECT DISTINCT device_id FROM rule_stream;

-- save_checkpoint --
-- $1 text consumer, $2 bigint seq, $3 jsonb clocks
INSERT INTO rule_checkpoint (consumer, seq, clocks) VALUES ($1, $2, $3)
    ON CONFLICT (consumer) DO UPDATE SET seq = excluded.seq, clocks = excluded.clocks, at = now();

-- save_streams --
-- $1 text[] device_id, $2 bytea[] frozen, $3 int part
-- A device that was removed meanwhile has nothing to keep.
INSERT INTO rule_stream (device_id, frozen, part)
SELECT new.device_id, new.frozen, $3
  FROM unnest($1::text[], $2::bytea[]) AS new (device_id, frozen)
  JOIN device USING (device_id)
    ON CONFLICT (device_id, part) DO UPDATE SET frozen = excluded.frozen, state = NULL;

-- drop_streams --
-- $1 text[] devices and areas, $2 int part
WITH areas AS (
    DELETE FROM rule_area_stream WHERE area = ANY ($1) AND part = $2)
DELETE FROM rule_stream WHERE device_id = ANY ($1) AND part = $2;

-- drop_parts --
-- All that is kept of any part, since the city is divided anew.
WITH areas AS (
    DELETE FROM rule_area_stream),
streams AS (
    DELETE FROM rule_stream)
DELETE FROM rule_checkpoint;

-- told_episodes --
-- $1 text[] device_id or area, $2 timestamptz[] horizon of each
-- What has been said of each device and area and may still change.
SELECT asked.about, a.rule_id, a.raised_at, a.cleared_at, a.silent
  FROM unnest($1::text[], $2::timestamptz[]) AS asked (about, horizon)
  JOIN LATERAL (SELECT * FROM alert WHERE device_id = asked.about
                 UNION ALL
                SELECT * FROM alert WHERE area = asked.about) AS a ON true
 WHERE a.retracted_at IS NULL AND (a.cleared_at IS NULL OR a.cleared_at >= asked.horizon)
 ORDER BY asked.about, a.rule_id, a.raised_at;

-- load_area_streams --
-- $1 int part
SELECT area, coalesce(frozen, convert_to(state::text, 'UTF8')) FROM rule_area_stream WHERE part = $1;

-- save_area_streams --
-- $1 text[] area, $2 bytea[] frozen, $3 int part
INSERT INTO rule_area_stream (area, frozen, part)
SELECT area, frozen, $3 FROM unnest($1::text[], $2::bytea[]) AS new (area, frozen)
    ON CONFLICT (area, part) DO UPDATE SET frozen = excluded.frozen, state = NULL;

-- batches_between --
-- $1 bigint from (not included), $2 bigint to (included), $3 int limit
SELECT seq, at, datastream_id, phenomenon_time, received_at, result, quality, old_result, old_quality, clocks,
       worker, lagging
  FROM ingest_batch
 WHERE seq > $1 AND seq <= $2
 ORDER BY seq
 LIMIT $3;

-- workers_heard --
-- $1 bigint position
-- When each ingest worker last wrote, up to there, and whether more waited for it then; whoever is long gone is left out.
SELECT DISTINCT ON (worker) worker, at, lagging
  FROM ingest_batch
 WHERE at > (SELECT at FROM ingest_batch WHERE seq <= $1::bigint ORDER BY seq DESC LIMIT 1) - interval '10 minutes'
   AND seq <= $1 AND worker IS NOT NULL
 ORDER BY worker, seq DESC;

-- open_alert --
-- $1 text alert_key
SELECT alert_id, state, raised_at, cleared_at, latched
  FROM alert
 WHERE alert_key = $1 AND open
   FOR UPDATE;

-- before_raise --
-- $1 text alert_key, $2 timestamptz raised_at
-- What a new alert meets: the open one of its key, a shelving, a newer alert.
SELECT (SELECT alert_id FROM alert WHERE alert_key = $1 AND open AND raised_at < $2 AND cleared_at IS NOT NULL)
           AS superseded,
       EXISTS (SELECT FROM shelving WHERE alert_key = $1 AND ended_at IS NULL) AS shelved,
       EXISTS (SELECT FROM alert WHERE alert_key = $1 AND raised_at > $2 AND retracted_at IS NULL) AS newer;

-- raise_alert --
-- $1 text alert_key, $2 text rule_id, $3 int rule_version, $4 text device_id, $5 int datastream_id, $6 text severity,
-- $7 text state, $8 boolean open, $9 boolean silent, $10 jsonb summary, $11 jsonb inputs, $12 timestamptz raised_at,
-- $13 timestamptz cleared_at, $14 boolean latched, $15 text area, $16 text actor, $17 text state that it is raised in
-- Nothing comes back when the key has an open alert, or had one raised at that instant: whoever was first, was.
-- Row, first line of the journal and news at once: in a flood each further round trip counts.
WITH made AS (
    INSERT INTO alert (alert_key, rule_id, rule_version, device_id, datastream_id, severity, state, open, silent,
                       summary, inputs, raised_at, cleared_at, latched, area)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        ON CONFLICT DO NOTHING
    RETURNING alert_id),
line AS (
    INSERT INTO alert_event (alert_id, at, kind, from_state, to_state, actor)
    SELECT alert_id, $12, 'raised', NULL, $17, $16 FROM made
    RETURNING alert_id)
SELECT alert_id, pg_notify('citywatch_alert', alert_id::text) FROM line;

-- before_raises --
-- $1 text[] alert_key, $2 timestamptz[] raised_at
-- What new alerts meet, in the order asked for: the open one of the key, a shelving.
SELECT (SELECT alert_id FROM alert AS a
         WHERE a.alert_key = new.key AND open AND a.raised_at < new.raised_at AND cleared_at IS NOT NULL) AS superseded,
       EXISTS (SELECT FROM shelving AS s WHERE s.alert_key = new.key AND ended_at IS NULL) AS shelved
  FROM unnest($1::text[], $2::timestamptz[]) WITH ORDINALITY AS new (key, raised_at, n)
 ORDER BY n;

-- raise_alerts --
-- $1 text[] alert_key, $2 text[] rule_id, $3 int[] rule_version, $4 text[] device_id, $5 int[] datastream_id,
-- $6 text[] severity, $7 text[] state, $8 boolean[] open, $9 boolean[] silent, $10 jsonb[] summary, $11 jsonb[] inputs,
-- $12 timestamptz[] raised_at, $13 boolean[] latched, $14 text[] area, $15 text[] actor
-- As raise_alert, for many that stand; every key once. Of those that have one already nothing comes back.
WITH new AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::int[], $6::text[], $7::text[], $8::boolean[],
                         $9::boolean[], $10::jsonb[], $11::jsonb[], $12::timestamptz[], $13::boolean[], $14::text[],
                         $15::text[])
           WITH ORDINALITY AS t (alert_key, rule_id, rule_version, device_id, datastream_id, severity, state, open,
                                 silent, summary, inputs, raised_at, latched, area, actor, n)),
made AS (
    INSERT INTO alert (alert_key, rule_id, rule_version, device_id, datastream_id, severity, state, open, silent,
                       summary, inputs, raised_at, latched, area)
    SELECT alert_key, rule_id, rule_version, device_id, datastream_id, severity, state, open, silent, summary, inputs,
           raised_at, latched, area
      FROM new
     ORDER BY n
        ON CONFLICT DO NOTHING
    RETURNING alert_id, alert_key),
line AS (
    INSERT INTO alert_event (alert_id, at, kind, from_state, to_state, actor)
    SELECT m.alert_id, n.raised_at, 'raised', NULL, n.state, n.actor
      FROM made AS m
      JOIN new AS n USING (alert_key)
     ORDER BY m.alert_id)
SELECT alert_id, alert_key, pg_notify('citywatch_alert', alert_id::text) FROM made ORDER BY alert_id;

-- lock_by_raises --
-- $1 text[] alert_key, $2 timestamptz[] raised_at
-- In the order of their ids, so that two who lock several cannot deadlock.
SELECT a.alert_id, a.alert_key, a.state, a.open, a.cleared_at, a.latched, a.acknowledged_at
  FROM unnest($1::text[], $2::timestamptz[]) AS asked (key, raised_at)
  JOIN alert AS a ON a.alert_key = asked.key AND a.raised_at = asked.raised_at AND a.retracted_at IS NULL
 ORDER BY a.alert_id
   FOR UPDATE OF a;

-- lock_alert --
-- $1 bigint alert_id
SELECT alert_id, alert_key, rule_id, rule_version, device_id, severity, state, open, silent, raised_at, cleared_at,
       latched, acknowledged_at, acknowledged_by, assigned_to, retracted_at
  FROM alert
 WHERE alert_id = $1
   FOR UPDATE;

-- severity_of --
-- $1 bigint alert_id
SELECT severity FROM alert WHERE alert_id = $1;

-- set_standing --
-- $1 bigint alert_id, $2 text state, $3 boolean open
UPDATE alert SET state = $2, open = $3 WHERE alert_id = $1;

-- set_span --
-- $1 bigint alert_id, $2 timestamptz raised_at, $3 timestamptz cleared_at, $4 boolean silent, $5 boolean retracted
UPDATE alert
   SET raised_at = $2, cleared_at = $3, silent = $4, retracted_at = CASE WHEN $5 THEN now() ELSE retracted_at END
 WHERE alert_id = $1;

-- change_alerts --
-- $1 bigint[] alert_id, $2 text[] state, $3 boolean[] open, $4 timestamptz[] raised_at, $5 timestamptz[] cleared_at,
-- $6 boolean[] silent, $7 boolean[] retracted, $8 timestamptz[] at, $9 text[] kind, $10 text[] from_state,
-- $11 text[] actor, $12 text[] comment
-- What the engine says of alerts, their lines of the journal, and the news, at once; every alert once.
WITH said AS (
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::boolean[], $4::timestamptz[], $5::timestamptz[], $6::boolean[],
                         $7::boolean[], $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::text[])
           WITH ORDINALITY AS t (alert_id, state, open, raised_at, cleared_at, silent, retracted, at, kind, from_state,
                                 actor, comment, n)),
moved AS (
    UPDATE alert AS a
       SET state = s.state, open = s.open, raised_at = s.raised_at, cleared_at = s.cleared_at, silent = s.silent,
           retracted_at = CASE WHEN s.retracted THEN now() ELSE a.retracted_at END
      FROM said AS s
     WHERE a.alert_id = s.alert_id),
line AS (
    INSERT INTO alert_event (alert_id, at, kind, from_state, to_state, actor, comment)
    SELECT alert_id, at, kind, from_state, state, actor, comment FROM said ORDER BY n
    RETURNING alert_id)
SELECT pg_notify('citywatch_alert', alert_id::text) FROM line;

-- set_acknowledged --
-- $1 bigint alert_id, $2 timestamptz at, $3 text by
UPDATE alert SET acknowledged_at = $2, acknowledged_by = $3 WHERE alert_id = $1;

-- set_assigned --
-- $1 bigint alert_id, $2 text assigned_to
UPDATE alert SET assigned_to = $2 WHERE alert_id = $1;

-- journal --
-- $1 bigint alert_id, $2 timestamptz at, $3 text kind, $4 text from_state, $5 text to_state, $6 text actor,
-- $7 text comment
-- Whoever listens hears of it at the commit.
WITH line AS (
    INSERT INTO alert_event (alert_id, at, kind, from_state, to_state, actor, comment)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING alert_id)
SELECT pg_notify('citywatch_alert', alert_id::text) FROM line;

-- shelve --
-- $1 text alert_key, $2 text actor, $3 text comment, $4 timestamptz shelved_at, $5 timestamptz until
INSERT INTO shelving (alert_key, actor, comment, shelved_at, until) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (alert_key) WHERE ended_at IS NULL
    DO UPDATE SET actor = $2, comment = $3, shelved_at = $4, until = $5;

-- unshelve --
-- $1 text alert_key, $2 text ended_by, $3 timestamptz ended_at
UPDATE shelving SET ended_at = $3, ended_by = $2 WHERE alert_key = $1 AND ended_at IS NULL RETURNING shelving_id;

-- shelvings_over --
-- $1 timestamptz now
SELECT s.alert_key, a.alert_id
  FROM shelving AS s
  LEFT JOIN alert AS a ON a.alert_key = s.alert_key AND a.open
 WHERE s.ended_at IS NULL AND s.until <= $1
   FOR UPDATE OF s;

-- explained_alert --
-- $1 bigint alert_id
SELECT a.*, v.text_hash
  FROM alert AS a
  JOIN rule_version AS v ON v.rule_id = a.rule_id AND v.version = a.rule_version
 WHERE a.alert_id = $1;

-- alert_journal_of --
-- $1 bigint alert_id
SELECT at, recorded_at, kind, from_state, to_state, actor, comment
  FROM alert_event
 WHERE alert_id = $1
 ORDER BY event_id;

-- history --
-- $1 int datastream_id, $2 timestamptz since, $3 timestamptz until (not included)
-- For COPY in binary: every field there, so that rows have one width.
SELECT phenomenon_time, coalesce(result, 'NaN'::float8), quality
  FROM observation
 WHERE datastream_id = $1 AND phenomenon_time >= $2 AND phenomenon_time < $3
 ORDER BY phenomenon_time;

-- store_builtin --
-- $1 text rule_id, $2 text text, $3 text text_hash, $4 jsonb definition
WITH known AS (
    INSERT INTO rule (rule_id, version, enabled, origin) VALUES ($1, 1, false, 'api')
        ON CONFLICT (rule_id) DO NOTHING)
INSERT INTO rule_version (rule_id, version, text, text_hash, definition, author)
VALUES ($1, 1, $2, $3, $4, 'citywatch')
    ON CONFLICT (rule_id, version) DO NOTHING;
