-- What carries devices and what they speak through: site > asset > device. A device hangs on an asset by a tag of the
-- asset's kind: {"gateway": "gw-3"} on asset gw-3 of kind gateway, as rules and maintenance windows read it.
CREATE TABLE asset (
    kind      text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_-]{0,31}$'),
    asset_id  text NOT NULL,
    name      text NOT NULL,
    site_id   text REFERENCES site,
    latitude  float8 CHECK (latitude BETWEEN -90 AND 90),
    longitude float8 CHECK (longitude BETWEEN -180 AND 180),
    PRIMARY KEY (kind, asset_id)
);

-- One row for each time that somebody held a device against a reference; a record is never changed.
CREATE TABLE calibration (
    calibration_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id      text NOT NULL REFERENCES device ON DELETE CASCADE,
    property       text NOT NULL,
    calibrated_at  timestamptz NOT NULL,
    reference      text NOT NULL,          -- what it was held against
    result         float8,                 -- what the device said, in the property's unit
    expected       float8,                 -- what the reference said
    gain           float8,                 -- set in the device since then
    zero           float8,
    certificate    text,
    valid_until    timestamptz,
    note           text NOT NULL DEFAULT '',
    recorded_at    timestamptz NOT NULL,
    recorded_by    text NOT NULL
);
CREATE INDEX calibration_by_device ON calibration (device_id, calibrated_at);

SELECT limit_rows('asset', $$EXISTS (SELECT FROM site AS s WHERE s.site_id = asset.site_id)$$),
       limit_rows('calibration', $$EXISTS (SELECT FROM device AS d WHERE d.device_id = calibration.device_id)$$);
