-- The tests that a rule version came with, why it was changed, and look-backs with their progress and result.

ALTER TABLE rule_version
    ADD COLUMN tests  text,
    ADD COLUMN reason text NOT NULL DEFAULT '';

CREATE TABLE backtest (
    backtest_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id     text NOT NULL,
    text        text,                      -- null: the rule as it runs now
    since       timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    actor       text NOT NULL,
    state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    done        int NOT NULL DEFAULT 0,    -- devices
    of          int,
    result      jsonb,
    error       text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    touched_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (until > since)
);
