-- What forecasts of a bin's time to full came to, once its cycle ended: the band of its next forecasts is made of these.
CREATE TABLE bin_outcome (
    device_id text NOT NULL REFERENCES device ON DELETE CASCADE,
    made_at   timestamptz NOT NULL,           -- the reading that the forecast was made at
    known_at  timestamptz NOT NULL,           -- the reading that ended the cycle
    situation smallint NOT NULL,              -- quartile of the level, and 4 more where the bin was long overdue
    ratio     float8 NOT NULL CHECK (ratio >= 0),  -- hours taken / hours told
    PRIMARY KEY (device_id, made_at)
);
CREATE INDEX bin_outcome_by_knowledge ON bin_outcome (device_id, known_at);
