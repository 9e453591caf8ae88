-- Alerts about areas beside those about devices, and what makes an alert quiet: shelving by people (0030), rules that
-- suppress others, and work that somebody does on a device or in an area.

ALTER TABLE alert
    ADD COLUMN area          text,         -- such as district:north or corridor:A1; null: about a device
    ADD COLUMN suppressed_by bigint REFERENCES alert ON DELETE SET NULL;
CREATE INDEX alert_by_area ON alert (area, rule_id, raised_at) WHERE area IS NOT NULL;

-- As rule_stream, of areas.
CREATE TABLE rule_area_stream (
    area  text PRIMARY KEY,
    state jsonb NOT NULL
);

-- From `starts_at` until `ends_at` what is named is out of service: its alerts are kept, but call nobody.
-- Exactly one of device, site, district and tag (such as gateway:gw-3) is named.
CREATE TABLE maintenance_window (
    window_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id   text REFERENCES device ON DELETE CASCADE,
    site_id     text REFERENCES site ON DELETE CASCADE,
    district_id text REFERENCES district ON DELETE CASCADE,
    tag         text CHECK (tag ~ '^[a-z_]+:.+$'),
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    reason      text NOT NULL,
    actor       text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    ended_by    text,                      -- who ended it before its time
    CHECK (ends_at > starts_at),
    CHECK (num_nonnulls(device_id, site_id, district_id, tag) = 1)
);
CREATE INDEX maintenance_window_by_end ON maintenance_window (ends_at);
