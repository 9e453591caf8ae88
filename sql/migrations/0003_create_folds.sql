-- What `citywatch fold run` keeps from the tail: the latest observation and additive rollups of each datastream.

CREATE TABLE latest_observation (
    datastream_id   int PRIMARY KEY REFERENCES datastream ON DELETE CASCADE,
    phenomenon_time timestamptz NOT NULL,
    received_at     timestamptz NOT NULL,
    result          float8,
    quality         smallint NOT NULL
) WITH (fillfactor = 70);

-- n counts rows with a result that may be used (quality 1, 2, 3); n_good those with quality 1; n_all every row.
-- sin_sum and cos_sum serve the circular mean of directions.
CREATE TABLE rollup_minute (
    datastream_id int NOT NULL,
    bucket        timestamptz NOT NULL,
    n             int NOT NULL,
    n_good        int NOT NULL,
    n_all         int NOT NULL,
    sum           float8 NOT NULL,
    sin_sum       float8 NOT NULL,
    cos_sum       float8 NOT NULL,
    min           float8,
    max           float8,
    last          float8,
    last_time     timestamptz,
    PRIMARY KEY (datastream_id, bucket)
);
CREATE TABLE rollup_quarter (LIKE rollup_minute INCLUDING ALL);
CREATE TABLE rollup_hour (LIKE rollup_minute INCLUDING ALL);
CREATE TABLE rollup_day (LIKE rollup_minute INCLUDING ALL);
