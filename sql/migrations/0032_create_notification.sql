-- The outbox: who is to be told of what. Written with the alert, sent afterwards, tried again until it succeeds or is
-- given up; what was not sent keeps the reason.
CREATE TABLE notification (
    notification_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id        bigint NOT NULL REFERENCES alert,
    incident_id     bigint REFERENCES incident ON DELETE SET NULL,  -- set when it was sent for an incident
    channel         text NOT NULL CHECK (channel IN ('webhook', 'email')),
    target          text NOT NULL,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'dropped', 'dead')),
    reason          text NOT NULL DEFAULT '',                       -- why it was dropped, or the last error
    attempts        int NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    due_at          timestamptz NOT NULL,
    sent_at         timestamptz,
    UNIQUE (alert_id, channel, target)
);
CREATE INDEX notification_due ON notification (due_at) WHERE state = 'pending';
-- An incident pages each target once.
CREATE UNIQUE INDEX notification_once_an_incident ON notification (incident_id, channel, target) WHERE state = 'sent';
