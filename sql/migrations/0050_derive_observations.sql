-- Derived observations: which datastreams are worked out from others, and what is still to be worked out.

-- How the values come about and which edition of whose rules; both null where a device measures them.
ALTER TABLE datastream
    ADD COLUMN method text,
    ADD COLUMN edition text,
    ADD CONSTRAINT datastream_derived CHECK ((method IS NULL) = (edition IS NULL));

-- A period touched by readings whose values are to be worked out once its source's clock has come to `complete_at`.
-- `due_at` is the end of the period, or the time of the reading where each reading counts. `again`: asked for by
-- `indicators recompute`, behind everything that is new.
CREATE TABLE indicator_due (
    device_id   text NOT NULL REFERENCES device ON DELETE CASCADE,
    kind        text NOT NULL CHECK (kind IN ('air', 'road', 'bin', 'health')),
    due_at      timestamptz NOT NULL,
    complete_at timestamptz NOT NULL,
    again       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (device_id, kind, due_at)
);
CREATE INDEX indicator_due_by_time ON indicator_due (again, complete_at);

-- The replay sources' clocks as of the consumer's own position: hours close in the order of the tail, whatever
-- ingest has stored since.
CREATE TABLE indicator_clock (
    source_id text PRIMARY KEY REFERENCES source ON DELETE CASCADE,
    clock     timestamptz NOT NULL
);
