-- Devices that sent far more than the others: named while it lasts, kept as a record.
CREATE TABLE device_flood (
    device_id   text NOT NULL,
    began_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    messages    bigint NOT NULL,       -- received while it was named
    peak_rate   float8 NOT NULL,       -- messages a second
    usual_rate  float8 NOT NULL,       -- of the median device at that time
    set_aside   bigint NOT NULL,       -- of these messages, kept raw and not taken in
    PRIMARY KEY (device_id, began_at)
);
CREATE INDEX device_flood_by_time ON device_flood (last_at DESC);
