-- lock_places --
-- One writer of districts, sites and assets at a time: between look and write nobody comes.
SELECT pg_advisory_xact_lock(7228230);

-- district --
-- $1 text district_id
SELECT district_id, name, population, polygon FROM district WHERE district_id = $1;

-- site --
-- $1 text site_id
SELECT site_id, name, district_id, latitude, longitude FROM site WHERE site_id = $1;

-- asset --
-- $1 text kind, $2 text asset_id
SELECT kind, asset_id, name, site_id, latitude, longitude FROM asset WHERE kind = $1 AND asset_id = $2;

-- assets --
-- $1 text kind or null, $2 text site_id or null, $3 text after kind or null, $4 text after asset_id, $5 int limit
-- Each with the devices that hang on it by their tags.
SELECT a.kind, a.asset_id, a.name, a.site_id, a.latitude, a.longitude,
       (SELECT count(*)::int FROM device AS d WHERE d.tags ->> a.kind = a.asset_id) AS devices
  FROM asset AS a
 WHERE ($1::text IS NULL OR a.kind = $1) AND ($2::text IS NULL OR a.site_id = $2)
   AND ($3::text IS NULL OR (a.kind, a.asset_id) > ($3, $4::text))
 ORDER BY a.kind, a.asset_id
 LIMIT $5::int;

-- put_asset --
-- $1 text kind, $2 text asset_id, $3 text name, $4 text site_id or null, $5 float8 latitude, $6 float8 longitude
INSERT INTO asset (kind, asset_id, name, site_id, latitude, longitude) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (kind, asset_id) DO UPDATE
   SET name = EXCLUDED.name, site_id = EXCLUDED.site_id, latitude = EXCLUDED.latitude, longitude = EXCLUDED.longitude;

-- drop_district --
-- $1 text district_id
DELETE FROM district WHERE district_id = $1;

-- drop_site --
-- $1 text site_id
DELETE FROM site WHERE site_id = $1;

-- drop_asset --
-- $1 text kind, $2 text asset_id
DELETE FROM asset WHERE kind = $1 AND asset_id = $2;

-- record_calibration --
-- $1 text device_id, $2 text property, $3 timestamptz calibrated_at, $4 text reference, $5 float8 result,
-- $6 float8 expected, $7 float8 gain, $8 float8 zero, $9 text certificate, $10 timestamptz valid_until, $11 text note,
-- $12 timestamptz now, $13 text actor
INSERT INTO calibration (device_id, property, calibrated_at, reference, result, expected, gain, zero, certificate,
                         valid_until, note, recorded_at, recorded_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
RETURNING calibration_id;

-- calibrations --
-- $1 text device_id, $2 bigint calibration_id or null, $3 bigint before calibration_id or null, $4 int limit
-- The one recorded last first.
SELECT calibration_id, device_id, property, calibrated_at, reference, result, expected, gain, zero, certificate,
       valid_until, note, recorded_at, recorded_by
  FROM calibration
 WHERE device_id = $1 AND ($2::bigint IS NULL OR calibration_id = $2) AND ($3::bigint IS NULL OR calibration_id < $3)
 ORDER BY calibration_id DESC
 LIMIT $4::int;
