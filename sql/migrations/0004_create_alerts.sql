-- Rules as they were, alerts with their state, and the append-only journal of both.

CREATE TABLE rule (
    rule_id    text PRIMARY KEY,
    version    int NOT NULL,
    enabled    boolean NOT NULL DEFAULT true,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE rule_version (
    rule_id    text NOT NULL REFERENCES rule,
    version    int NOT NULL,
    text       text NOT NULL,
    text_hash  text NOT NULL,
    definition jsonb NOT NULL,
    author     text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rule_id, version)
);

-- State between readings, saved with the consumer's position, so that a restart repeats and forgets nothing.
CREATE TABLE rule_state (
    rule_id       text NOT NULL REFERENCES rule,
    datastream_id int NOT NULL REFERENCES datastream ON DELETE CASCADE,
    state         jsonb NOT NULL,
    PRIMARY KEY (rule_id, datastream_id)
);

-- `alert_key` says what the alert is about (rule and datastream, or rule and area); at most one is open for a key.
-- States: ISA-18.2 B unacknowledged, C acknowledged, D returned_unacknowledged, A normal (closed), and so on.
CREATE TABLE alert (
    alert_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_key       text NOT NULL,
    rule_id         text NOT NULL,
    rule_version    int NOT NULL,
    device_id       text REFERENCES device ON DELETE SET NULL,
    datastream_id   int REFERENCES datastream ON DELETE SET NULL,
    severity        text NOT NULL CHECK (severity IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
    state           text NOT NULL CHECK (state IN (
                        'unacknowledged', 'acknowledged', 'returned_unacknowledged', 'normal',
                        'latched_unacknowledged', 'latched_acknowledged',
                        'shelved', 'suppressed', 'out_of_service')),
    open            boolean NOT NULL DEFAULT true,
    silent          boolean NOT NULL DEFAULT false,      -- raised on history: corrects the record, pages nobody
    summary         jsonb NOT NULL,                      -- message key and parameters, never one language
    inputs          jsonb NOT NULL,                      -- what the verdict was made from, for `rules explain`
    raised_at       timestamptz NOT NULL,                -- event time
    recorded_at     timestamptz NOT NULL DEFAULT now(),  -- wall time
    cleared_at      timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    assigned_to     text
);
CREATE UNIQUE INDEX alert_once ON alert (alert_key) WHERE open;
CREATE INDEX alert_by_time ON alert (raised_at DESC);
CREATE UNIQUE INDEX alert_same_raise ON alert (alert_key, raised_at);

CREATE TABLE alert_event (
    event_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id   bigint NOT NULL REFERENCES alert,
    at         timestamptz NOT NULL,                     -- event time of what happened
    recorded_at timestamptz NOT NULL DEFAULT now(),
    kind       text NOT NULL,                            -- raised, cleared, acknowledged, commented, shelved, ...
    from_state text,
    to_state   text NOT NULL,
    actor      text NOT NULL,                            -- who: an account, or the rule and its version
    comment    text NOT NULL DEFAULT ''
);
CREATE INDEX alert_event_by_alert ON alert_event (alert_id, event_id);
