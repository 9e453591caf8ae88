-- The log: observations, the tail in commit order, what was turned away, and the account of every delivery.

-- Narrow: the key makes redelivery a no-op. `result` is null only where quality is 9 (missing).
-- `tests` is the set of quality tests that found fault (devices.model.QualityTest).
CREATE TABLE observation (
    datastream_id   int NOT NULL,
    quality         smallint NOT NULL CHECK (quality IN (1, 2, 3, 4, 9)),
    tests           smallint NOT NULL DEFAULT 0,
    phenomenon_time timestamptz NOT NULL,
    received_at     timestamptz NOT NULL,
    result          float8 CHECK (result IS NOT NULL OR quality = 9),
    PRIMARY KEY (datastream_id, phenomenon_time)
) PARTITION BY RANGE (phenomenon_time);

-- One row per write: only the rows that were new, so that additive consumers stay exact.
-- `clocks` holds the replay sources' clocks after this batch: {"source_id": "2016-01-01T00:00:00Z"}.
-- A row with `old_result` set is a revision: the same observations with their result and quality before and after.
CREATE TABLE ingest_batch (
    seq             bigint PRIMARY KEY,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    datastream_id   int[] NOT NULL,
    phenomenon_time timestamptz[] NOT NULL,
    received_at     timestamptz[] NOT NULL,
    result          float8[] NOT NULL,
    quality         smallint[] NOT NULL,
    old_result      float8[],
    old_quality     smallint[],
    clocks          jsonb NOT NULL DEFAULT '{}'
);
CREATE SEQUENCE ingest_batch_seq OWNED BY ingest_batch.seq;

CREATE TABLE consumer_position (
    consumer   text PRIMARY KEY,
    seq        bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Raw messages that were not accepted, and accepted messages of which a reading was refused.
CREATE TABLE rejected_message (
    rejected_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    fate        text NOT NULL CHECK (fate IN ('rejected', 'refused')),
    reason      text NOT NULL,
    detail      text NOT NULL,
    device_id   text,
    topic       text NOT NULL,
    payload     bytea NOT NULL,
    replayed_at timestamptz
);
CREATE INDEX rejected_message_by_time ON rejected_message (received_at DESC);

-- Two sums close: received = accepted + rejected; readings = stored + duplicate + refused.
CREATE TABLE delivery_account (
    device_id text NOT NULL,
    hour      timestamptz NOT NULL,
    received  bigint NOT NULL DEFAULT 0,
    accepted  bigint NOT NULL DEFAULT 0,
    rejected  bigint NOT NULL DEFAULT 0,
    readings  bigint NOT NULL DEFAULT 0,
    stored    bigint NOT NULL DEFAULT 0,
    duplicate bigint NOT NULL DEFAULT 0,
    refused   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, hour)
);

-- Keys of recent messages without a device time, so that a redelivery of one is not doubled.
CREATE TABLE delivery (
    device_id    text NOT NULL,
    delivery_key text NOT NULL,
    received_at  timestamptz NOT NULL,
    PRIMARY KEY (device_id, delivery_key)
);
CREATE INDEX delivery_by_time ON delivery (received_at);
