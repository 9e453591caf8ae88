-- upsert_districts --
-- $1 text[] district_id, $2 text[] name, $3 int[] population, $4 jsonb[] polygon
INSERT INTO district (district_id, name, population, polygon)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::jsonb[]) AS new (district_id, name, population, polygon)
 ORDER BY district_id
    ON CONFLICT (district_id) DO UPDATE
   SET name = EXCLUDED.name, population = EXCLUDED.population, polygon = EXCLUDED.polygon;

-- upsert_sites --
-- $1 text[] site_id, $2 text[] name, $3 text[] district_id, $4 float8[] latitude, $5 float8[] longitude
INSERT INTO site (site_id, name, district_id, latitude, longitude)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::float8[], $5::float8[])
           AS new (site_id, name, district_id, latitude, longitude)
 ORDER BY site_id
    ON CONFLICT (site_id) DO UPDATE
   SET name = EXCLUDED.name, district_id = EXCLUDED.district_id,
       latitude = EXCLUDED.latitude, longitude = EXCLUDED.longitude;

-- upsert_sources --
-- $1 text[] source_id, $2 text[] kind
-- A source keeps its clock; its kind is fixed once it exists, since devices already speak by it.
INSERT INTO source (source_id, kind)
SELECT * FROM unnest($1::text[], $2::text[]) AS new (source_id, kind)
 ORDER BY source_id
    ON CONFLICT (source_id) DO NOTHING;

-- source_kinds --
-- $1 text[] source_id
SELECT source_id, kind FROM source WHERE source_id = ANY ($1::text[]);

-- upsert_devices --
-- $1 text[] device_id, $2 text[] profile, $3 text[] domain, $4 text[] name, $5 text[] site_id, $6 text[] district_id,
-- $7 float8[] latitude, $8 float8[] longitude, $9 text[] source_id, $10 interval[] expected_interval, $11 jsonb[] tags
-- The version goes up only where something is different. Returns true for a device that is new.
INSERT INTO device AS old (device_id, profile, domain, name, site_id, district_id, latitude, longitude,
                           source_id, expected_interval, tags)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::float8[],
                     $8::float8[], $9::text[], $10::interval[], $11::jsonb[])
           AS new (device_id, profile, domain, name, site_id, district_id, latitude, longitude,
                   source_id, expected_interval, tags)
 ORDER BY device_id
    ON CONFLICT (device_id) DO UPDATE
   SET profile = EXCLUDED.profile, domain = EXCLUDED.domain, name = EXCLUDED.name, site_id = EXCLUDED.site_id,
       district_id = EXCLUDED.district_id, latitude = EXCLUDED.latitude, longitude = EXCLUDED.longitude,
       source_id = EXCLUDED.source_id, expected_interval = EXCLUDED.expected_interval, tags = EXCLUDED.tags,
       version = old.version + 1
 WHERE (old.profile, old.domain, old.name, old.site_id, old.district_id, old.latitude, old.longitude, old.source_id,
        old.expected_interval, old.tags)
       IS DISTINCT FROM
       (EXCLUDED.profile, EXCLUDED.domain, EXCLUDED.name, EXCLUDED.site_id, EXCLUDED.district_id, EXCLUDED.latitude,
        EXCLUDED.longitude, EXCLUDED.source_id, EXCLUDED.expected_interval, EXCLUDED.tags)
RETURNING version = 1 AS fresh;

-- announce_registry --
SELECT pg_notify('citywatch_registry', '');

-- any_registered --
-- $1 text[] device_id: is one of them registered?
SELECT EXISTS (SELECT 1 FROM device WHERE device_id = ANY ($1::text[]));

-- all_devices --
SELECT device_id, profile, domain, name, site_id, district_id, latitude, longitude, source_id, expected_interval
  FROM device;

-- all_sources --
SELECT source_id, kind, clock FROM source;

-- all_datastreams --
SELECT datastream_id, device_id, property FROM datastream;

-- create_datastreams --
-- $1 text[] device_id, $2 text[] property, $3 text[] unit
-- Returns every datastream asked for, those that another worker created meanwhile too (its row is visible to the
-- next statement only, hence two of them).
INSERT INTO datastream (device_id, property, unit)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS new (device_id, property, unit)
 WHERE EXISTS (SELECT 1 FROM device WHERE device.device_id = new.device_id)
 ORDER BY device_id, property
    ON CONFLICT (device_id, property) DO NOTHING;

-- find_datastreams --
-- $1 text[] device_id, $2 text[] property
SELECT s.datastream_id, s.device_id, s.property
  FROM unnest($1::text[], $2::text[]) AS wanted (device_id, property)
  JOIN datastream AS s USING (device_id, property);
