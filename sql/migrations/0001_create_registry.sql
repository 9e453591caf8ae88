-- What the city has: districts, sites, sources of time, devices and their datastreams.

CREATE TABLE district (
    district_id text PRIMARY KEY,
    name        text NOT NULL,
    population  int CHECK (population >= 0),
    polygon     jsonb NOT NULL            -- GeoJSON geometry, Polygon or MultiPolygon
);

CREATE TABLE site (
    site_id     text PRIMARY KEY,
    name        text NOT NULL,
    district_id text REFERENCES district,
    latitude    float8 CHECK (latitude BETWEEN -90 AND 90),
    longitude   float8 CHECK (longitude BETWEEN -180 AND 180)
);

-- A source is a time base: `live` takes the wall clock, a replay source carries its own, which only advances.
CREATE TABLE source (
    source_id text PRIMARY KEY,
    kind      text NOT NULL CHECK (kind IN ('live', 'replay')),
    clock     timestamptz
);
INSERT INTO source (source_id, kind) VALUES ('live', 'live');

CREATE TABLE device (
    device_id         text PRIMARY KEY CHECK (device_id ~ '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$'),
    profile           text NOT NULL,
    domain            text NOT NULL,
    name              text NOT NULL DEFAULT '',
    site_id           text REFERENCES site,
    district_id       text REFERENCES district,
    latitude          float8 CHECK (latitude BETWEEN -90 AND 90),
    longitude         float8 CHECK (longitude BETWEEN -180 AND 180),
    source_id         text NOT NULL DEFAULT 'live' REFERENCES source,
    expected_interval interval NOT NULL DEFAULT '5 minutes' CHECK (expected_interval > '0'),
    tags              jsonb NOT NULL DEFAULT '{}',
    registered_at     timestamptz NOT NULL DEFAULT now(),
    version           int NOT NULL DEFAULT 1
);
CREATE INDEX device_by_district ON device (district_id, domain);

CREATE TABLE datastream (
    datastream_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id     text NOT NULL REFERENCES device ON DELETE CASCADE,
    property      text NOT NULL,
    unit          text NOT NULL,
    UNIQUE (device_id, property)
);
