-- What a department's crew does about an alert or an incident, with a journal of its own; and an outbox that repeats,
-- escalates, holds back in a flood and tells of work.

CREATE TABLE work_order (
    work_order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id      bigint NOT NULL REFERENCES alert ON DELETE CASCADE,  -- of an incident: its first
    incident_id   bigint REFERENCES incident ON DELETE SET NULL,
    queue         text NOT NULL,                           -- the department
    crew          text,
    severity      text NOT NULL CHECK (severity IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
    task          text NOT NULL,
    state         text NOT NULL DEFAULT 'waiting'
                  CHECK (state IN ('waiting', 'accepted', 'en_route', 'done', 'cancelled')),
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL,
    due_at        timestamptz NOT NULL,
    changed_at    timestamptz NOT NULL,
    photo_url     text,
    CHECK (due_at > created_at)
);
-- Two who hand over the same alert at once make one order.
CREATE UNIQUE INDEX work_order_once ON work_order (alert_id) WHERE state IN ('waiting', 'accepted', 'en_route');
CREATE INDEX work_order_by_queue ON work_order (queue, state, due_at);

CREATE TABLE work_order_event (
    event_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    work_order_id bigint NOT NULL REFERENCES work_order ON DELETE CASCADE,
    at            timestamptz NOT NULL,
    from_state    text,
    to_state      text NOT NULL,
    actor         text NOT NULL,
    crew          text,
    note          text NOT NULL DEFAULT '',
    photo_url     text
);
CREATE INDEX work_order_event_by_order ON work_order_event (work_order_id, event_id);

ALTER TABLE notification
    DROP CONSTRAINT notification_channel_check,
    DROP CONSTRAINT notification_state_check,
    DROP CONSTRAINT notification_alert_id_channel_target_key,
    ADD CONSTRAINT notification_channel_check CHECK (channel IN ('webhook', 'email', 'mqtt', 'apprise')),
    ADD CONSTRAINT notification_state_check CHECK (state IN ('pending', 'sent', 'dropped', 'dead', 'held')),
    ADD COLUMN kind text NOT NULL DEFAULT 'alert' CHECK (kind IN ('alert', 'digest', 'work_order')),
    -- 0: the first; then the steps of the escalation, and from 1000 on the repetitions.
    ADD COLUMN step int NOT NULL DEFAULT 0,
    ADD COLUMN work_order_event_id bigint REFERENCES work_order_event ON DELETE CASCADE;
-- `round` counts how often an alert began to speak anew after it was quiet.
ALTER TABLE notification ADD COLUMN round int NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX notification_once ON notification (alert_id, channel, target, step, round) WHERE kind = 'alert';
DROP INDEX notification_once_an_incident;
CREATE UNIQUE INDEX notification_once_an_incident ON notification (incident_id, channel, target, step, round)
 WHERE state = 'sent' AND kind = 'alert';
CREATE UNIQUE INDEX notification_digest_waiting ON notification (channel, target)
 WHERE kind = 'digest' AND state = 'pending';
CREATE INDEX notification_lately ON notification (channel, target, sent_at) WHERE state = 'sent';
