-- What OGC SensorThings says beyond our own registry: words of entities that clients made, and links between them.
-- Things are devices, Datastreams are datastreams, Observations are observations: only what has no column there is here.

CREATE SEQUENCE sta_number;

-- `properties` of devices and datastreams made through the standard, and the names their makers gave.
CREATE TABLE sta_thing (
    device_id   text PRIMARY KEY REFERENCES device ON DELETE CASCADE,
    description text NOT NULL,
    properties  jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE sta_sensor (
    sensor_id     text PRIMARY KEY DEFAULT 'sensor-' || nextval('sta_number'),
    name          text NOT NULL,
    description   text NOT NULL,
    encoding_type text NOT NULL,
    metadata      jsonb NOT NULL,
    properties    jsonb NOT NULL DEFAULT '{}'
);

-- The catalogue of the running version, written at its start, and what clients made (`made`).
CREATE TABLE observed_property (
    property    text PRIMARY KEY,
    name        text NOT NULL,
    definition  text NOT NULL,
    description text NOT NULL,
    properties  jsonb NOT NULL DEFAULT '{}',
    made        boolean NOT NULL DEFAULT false
);

CREATE TABLE sta_datastream (
    datastream_id       int PRIMARY KEY REFERENCES datastream ON DELETE CASCADE,
    name                text NOT NULL,
    description         text NOT NULL,
    observation_type    text NOT NULL,
    unit_of_measurement jsonb NOT NULL,
    sensor_id           text NOT NULL,                -- a sensor above, or a device profile
    property            text NOT NULL REFERENCES observed_property,
    properties          jsonb NOT NULL DEFAULT '{}'
);

-- A place or feature; of one that is a point its coordinates, for filters.
CREATE TABLE sta_location (
    location_id   text PRIMARY KEY DEFAULT 'location-' || nextval('sta_number'),
    name          text NOT NULL,
    description   text NOT NULL,
    encoding_type text NOT NULL,
    location      jsonb NOT NULL,
    longitude     float8,
    latitude      float8,
    properties    jsonb NOT NULL DEFAULT '{}'
);
CREATE TABLE sta_feature (
    feature_id    text PRIMARY KEY DEFAULT 'feature-' || nextval('sta_number'),
    name          text NOT NULL,
    description   text NOT NULL,
    encoding_type text NOT NULL,
    feature       jsonb NOT NULL,
    longitude     float8,
    latitude      float8,
    properties    jsonb NOT NULL DEFAULT '{}'
);

-- Where a device has been; `present` are the places where it is.
CREATE TABLE sta_placing (
    placing_id  text PRIMARY KEY DEFAULT 'placing-' || nextval('sta_number'),
    device_id   text NOT NULL REFERENCES device ON DELETE CASCADE,
    at          timestamptz NOT NULL
);
CREATE INDEX sta_placing_by_device ON sta_placing (device_id);
CREATE TABLE sta_placed (
    placing_id  text NOT NULL REFERENCES sta_placing ON DELETE CASCADE,
    location_id text NOT NULL REFERENCES sta_location ON DELETE CASCADE,
    present     boolean NOT NULL,
    PRIMARY KEY (placing_id, location_id)
);
CREATE INDEX sta_placed_by_location ON sta_placed (location_id);

-- What an observation says beside time, result and quality.
CREATE TABLE sta_observation (
    datastream_id   int NOT NULL REFERENCES datastream ON DELETE CASCADE,
    phenomenon_time timestamptz NOT NULL,
    phenomenon_end  timestamptz,
    result_time     timestamptz,
    valid_time      text,
    result_quality  jsonb,
    parameters      jsonb,
    feature_id      text REFERENCES sta_feature,
    PRIMARY KEY (datastream_id, phenomenon_time)
);
CREATE INDEX sta_observation_by_feature ON sta_observation (feature_id) WHERE feature_id IS NOT NULL;
