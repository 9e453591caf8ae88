-- What the fold needs beside the rollups: the size of a tail row, one meaning of "usable", and sums per area.

-- Rows in a batch, so that a reader can take about so many rows without reading the arrays.
ALTER TABLE ingest_batch ADD COLUMN size int NOT NULL GENERATED ALWAYS AS (cardinality(datastream_id)) STORED;
ALTER TABLE ingest_batch ADD CONSTRAINT ingest_batch_revision CHECK ((old_result IS NULL) = (old_quality IS NULL));
CREATE INDEX ingest_batch_by_time ON ingest_batch (at);

-- A result counts where its flag is good, not evaluated or suspect, and where it is a number that can be summed:
-- a single NaN would poison every sum it entered, and two huge ones would overflow.
CREATE FUNCTION usable(quality smallint, result float8) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT coalesce(quality <= 3 AND result BETWEEN -1e100 AND 1e100, false) $$;

-- The same few rows are updated all through their bucket: leave room for it on their page.
ALTER TABLE rollup_minute SET (fillfactor = 90);
ALTER TABLE rollup_quarter SET (fillfactor = 80);
ALTER TABLE rollup_hour SET (fillfactor = 80);
ALTER TABLE rollup_day SET (fillfactor = 80);

-- Where the fold has counted each datastream so far. Its own copy and not the registry's, so that what was added
-- to one area is taken from that same area when the device moves.
CREATE TABLE fold_stream (
    datastream_id int PRIMARY KEY,
    property      text NOT NULL,
    domain        text NOT NULL,
    district_id   text NOT NULL,          -- empty where the device is in no district
    circular      boolean NOT NULL        -- a direction: its mean is that of unit vectors
);

-- Sums over all datastreams of a property in a district and domain. No min and max: those cannot be taken back.
CREATE TABLE rollup_area_hour (
    property    text NOT NULL,
    bucket      timestamptz NOT NULL,
    domain      text NOT NULL,
    district_id text NOT NULL,
    n           bigint NOT NULL,
    n_good      bigint NOT NULL,
    n_all       bigint NOT NULL,
    sum         float8 NOT NULL,
    sin_sum     float8 NOT NULL,
    cos_sum     float8 NOT NULL,
    PRIMARY KEY (property, bucket, domain, district_id)
) WITH (fillfactor = 70);
CREATE TABLE rollup_area_day (LIKE rollup_area_hour INCLUDING ALL) WITH (fillfactor = 70);
