-- What the rules process keeps between two starts, and what alerts and rules need beside what 0004 gave them.

-- Replaced by rule_stream: one row a device, all rules together, written at checkpoints only.
DROP TABLE rule_state;
CREATE TABLE rule_stream (
    device_id text PRIMARY KEY REFERENCES device ON DELETE CASCADE,
    state     jsonb NOT NULL
);
-- `rule_stream` is true as of this row of the tail; what follows it is applied again at a start.
CREATE TABLE rule_checkpoint (
    consumer text PRIMARY KEY,
    seq      bigint NOT NULL,
    clocks   jsonb NOT NULL DEFAULT '{}',
    at       timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE rule
    ADD COLUMN origin text NOT NULL DEFAULT 'file' CHECK (origin IN ('file', 'api'));

ALTER TABLE alert
    ADD COLUMN latched boolean NOT NULL DEFAULT false,
    ADD COLUMN retracted_at timestamptz;  -- readings inside the allowance showed that it had not been so
-- A raise that was retracted may turn out to be true after all.
DROP INDEX alert_same_raise;
CREATE UNIQUE INDEX alert_same_raise ON alert (alert_key, raised_at) WHERE retracted_at IS NULL;
CREATE INDEX alert_by_device ON alert (device_id, rule_id, raised_at);
CREATE INDEX alert_open ON alert (severity) WHERE open;

-- The journal proper: what was true, from when to when. It does not depend on the order in which readings came.
CREATE VIEW alert_journal AS
SELECT alert_key, rule_id, device_id, severity, raised_at, cleared_at, silent
  FROM alert
 WHERE retracted_at IS NULL;

-- At most one shelving of a key runs; it always ends by itself.
CREATE TABLE shelving (
    shelving_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_key   text NOT NULL,
    actor       text NOT NULL,
    comment     text NOT NULL,
    shelved_at  timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    ended_at    timestamptz,
    ended_by    text,
    CHECK (until > shelved_at)
);
CREATE UNIQUE INDEX shelving_once ON shelving (alert_key) WHERE ended_at IS NULL;
