-- Whether a device is there: what its birth or will said, and how often it really sends.

CREATE TABLE device_presence (
    device_id        text PRIMARY KEY REFERENCES device ON DELETE CASCADE,
    link             text CHECK (link IN ('online', 'offline')),
    link_at          timestamptz,
    link_changes     timestamptz[] NOT NULL DEFAULT '{}',   -- the last ten, oldest first
    learned_interval interval CHECK (learned_interval > '0'),
    learned_at       timestamptz
);

-- never: no data yet. flapping: six changes of the link within ten minutes. offline: its will, and nothing since.
-- silent: no data for three intervals, whatever the link says: an open connection is not life.
-- A device without births and wills, one that sleeps, is judged by its data only.
CREATE FUNCTION presence(last_time timestamptz, source_now timestamptz, every interval,
                         link text, link_at timestamptz, link_changes timestamptz[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN cardinality(link_changes) >= 6
                           AND link_changes[cardinality(link_changes) - 5] > source_now - interval '10 minutes'
                      THEN 'flapping'
                      WHEN link = 'offline' AND (last_time IS NULL OR last_time <= link_at) THEN 'offline'
                      WHEN last_time IS NULL THEN 'never'
                      WHEN source_now IS NOT NULL AND source_now - last_time > 3 * every THEN 'silent'
                      ELSE 'present' END $$;

-- Commands to devices, and what became of each.
CREATE TABLE command (
    command_id      uuid PRIMARY KEY,
    device_id       text NOT NULL REFERENCES device ON DELETE CASCADE,
    name            text NOT NULL,
    arguments       jsonb NOT NULL DEFAULT '{}',
    route           text NOT NULL CHECK (route IN ('native', 'tts_v3', 'chirpstack_v4')),
    state           text NOT NULL DEFAULT 'queued'
                    CHECK (state IN ('queued', 'sent', 'acknowledged', 'done', 'failed', 'expired')),
    created_at      timestamptz NOT NULL,
    created_by      text NOT NULL,
    expires_at      timestamptz NOT NULL,
    sent_at         timestamptz,
    acknowledged_at timestamptz,
    ended_at        timestamptz,
    result          jsonb,
    reason          text NOT NULL DEFAULT ''
);
CREATE INDEX command_by_device ON command (device_id, created_at DESC);
CREATE INDEX command_open ON command (expires_at) WHERE state IN ('queued', 'sent', 'acknowledged');
