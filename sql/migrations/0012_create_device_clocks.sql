-- Devices whose clocks are wrong by a constant: what was noticed, and whether their times are corrected by it.
CREATE TABLE device_clock (
    device_id      text PRIMARY KEY REFERENCES device ON DELETE CASCADE,
    kind           text NOT NULL,        -- zone, gps_rollover, unset, constant
    offset_seconds float8 NOT NULL,      -- to be added to what the device says
    corrected      boolean NOT NULL,     -- false: its times are possible, so they stand; somebody should look
    noticed_at     timestamptz NOT NULL
);
