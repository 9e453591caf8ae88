-- Alerts with one common cause: shown as one, paged once.
CREATE TABLE incident (
    incident_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cause       text NOT NULL,             -- gateway:ID, cabinet:ID, network:ID, corridor:ID, or place:RULE
    title       text NOT NULL,
    severity    text NOT NULL CHECK (severity IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
    began_at    timestamptz NOT NULL,      -- event time of its first alert
    newest_at   timestamptz NOT NULL,      -- and of its newest
    opened_at   timestamptz NOT NULL DEFAULT now(),
    closed_at   timestamptz                -- when the last of its alerts was closed
);
CREATE INDEX incident_open ON incident (cause) WHERE closed_at IS NULL;

ALTER TABLE alert ADD COLUMN incident_id bigint REFERENCES incident ON DELETE SET NULL;
CREATE INDEX alert_by_incident ON alert (incident_id) WHERE incident_id IS NOT NULL;
CREATE INDEX alert_alone ON alert (raised_at) WHERE open AND incident_id IS NULL;
