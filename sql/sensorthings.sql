-- things --
-- Sources of the SensorThings entity sets: every query here up to `observations` is put where a table may stand.
-- Things are devices; what a client gave as `properties` stands over ours.
SELECT d.device_id AS id, coalesce(nullif(d.name, ''), d.device_id) AS name,
       coalesce(x.description, 'Device with profile ' || d.profile) AS description,
       jsonb_build_object('domain', d.domain, 'profile', d.profile, 'district_id', d.district_id, 'site_id', d.site_id,
                          'source_id', d.source_id,
                          'expected_interval_seconds', extract(epoch FROM d.expected_interval)::float8)
           || d.tags || coalesce(x.properties, '{}') AS properties,
       d.domain, d.district_id
  FROM device AS d LEFT JOIN sta_thing AS x USING (device_id)

-- locations --
-- Places that clients made, and of every other device the place in the registry.
SELECT location_id AS id, name, description, encoding_type, location, longitude, latitude, properties,
       NULL::text AS device_id
  FROM sta_location
UNION ALL
SELECT d.device_id, coalesce(nullif(d.name, ''), d.device_id), 'Where ' || d.device_id || ' is installed',
       'application/geo+json',
       jsonb_build_object('type', 'Point', 'coordinates', jsonb_build_array(d.longitude, d.latitude)),
       d.longitude, d.latitude, '{}', d.device_id
  FROM device AS d
 WHERE d.longitude IS NOT NULL AND d.latitude IS NOT NULL
   AND NOT EXISTS (SELECT FROM sta_placing AS p WHERE p.device_id = d.device_id)

-- thing_locations --
-- Which device is where now.
SELECT p.device_id, l.location_id
  FROM sta_placing AS p JOIN sta_placed AS l USING (placing_id)
 WHERE l.present
UNION ALL
SELECT d.device_id, d.device_id
  FROM device AS d
 WHERE d.longitude IS NOT NULL AND d.latitude IS NOT NULL
   AND NOT EXISTS (SELECT FROM sta_placing AS p WHERE p.device_id = d.device_id)

-- historical_locations --
SELECT placing_id AS id, at, device_id, NULL::text AS location_id FROM sta_placing
UNION ALL
SELECT d.device_id, d.registered_at, d.device_id, d.device_id
  FROM device AS d
 WHERE d.longitude IS NOT NULL AND d.latitude IS NOT NULL
   AND NOT EXISTS (SELECT FROM sta_placing AS p WHERE p.device_id = d.device_id)

-- sensors --
-- What clients made, and each device profile in use.
SELECT sensor_id AS id, name, description, encoding_type, metadata, properties FROM sta_sensor
UNION ALL
SELECT DISTINCT profile, profile, 'Device profile ' || profile, 'http://schema.org/description', to_jsonb(profile),
       '{}'::jsonb
  FROM device

-- observed_properties --
SELECT property AS id, name, definition, description, properties FROM observed_property

-- datastreams --
-- The extent of the times comes from the key of the observations, one look each.
SELECT t.datastream_id AS id,
       coalesce(x.name, coalesce(nullif(d.name, ''), d.device_id) || ': ' || t.property) AS name,
       coalesce(x.description, t.property || ' of ' || d.device_id) AS description,
       coalesce(x.observation_type, 'http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement')
           AS observation_type,
       coalesce(x.unit_of_measurement,
                jsonb_build_object('name', t.unit, 'symbol', t.unit,
                                   'definition', 'http://unitsofmeasure.org/ucum.html#' || t.unit))
           AS unit_of_measurement,
       CASE WHEN d.longitude IS NOT NULL AND d.latitude IS NOT NULL
            THEN jsonb_build_object('type', 'Point', 'coordinates', jsonb_build_array(d.longitude, d.latitude)) END
           AS observed_area,
       (SELECT o.phenomenon_time FROM observation AS o WHERE o.datastream_id = t.datastream_id
         ORDER BY o.phenomenon_time LIMIT 1) AS phenomenon_time,
       (SELECT o.phenomenon_time FROM observation AS o WHERE o.datastream_id = t.datastream_id
         ORDER BY o.phenomenon_time DESC LIMIT 1) AS phenomenon_end,
       coalesce(jsonb_strip_nulls(jsonb_build_object('method', t.method, 'edition', t.edition)), '{}')
           || coalesce(x.properties, '{}') AS properties,
       t.device_id, coalesce(x.sensor_id, d.profile) AS sensor_id, coalesce(x.property, t.property) AS property,
       d.domain, d.district_id
  FROM datastream AS t JOIN device AS d USING (device_id) LEFT JOIN sta_datastream AS x USING (datastream_id)

-- features_of_interest --
-- What clients made, and the places of things, where observations name no other feature.
SELECT feature_id AS id, name, description, encoding_type, feature, longitude, latitude, properties, true AS made
  FROM sta_feature
UNION ALL
SELECT location_id, name, description, encoding_type, location, longitude, latitude, properties, false FROM sta_location
UNION ALL
SELECT d.device_id, coalesce(nullif(d.name, ''), d.device_id), 'Where ' || d.device_id || ' is installed',
       'application/geo+json',
       jsonb_build_object('type', 'Point', 'coordinates', jsonb_build_array(d.longitude, d.latitude)),
       d.longitude, d.latitude, '{}', false
  FROM device AS d
 WHERE d.longitude IS NOT NULL AND d.latitude IS NOT NULL
   AND NOT EXISTS (SELECT FROM sta_placing AS p WHERE p.device_id = d.device_id)

-- observations --
-- The key stands as it is, so that filters on time and datastream go along it. Through the datastream, which an account
-- that is limited to a part of the city may not see.
SELECT o.datastream_id || '-' || (extract(epoch FROM o.phenomenon_time) * 1000000)::bigint AS id,
       o.datastream_id, o.phenomenon_time, x.phenomenon_end, o.result,
       coalesce(x.result_time, o.received_at) AS result_time, x.valid_time,
       coalesce(x.result_quality,
                to_jsonb(CASE o.quality WHEN 1 THEN 'GOOD' WHEN 2 THEN 'NOT_EVALUATED' WHEN 3 THEN 'SUSPECT'
                                        WHEN 4 THEN 'FAIL' ELSE 'MISSING' END)) AS result_quality,
       x.parameters, x.feature_id AS made_feature_id,
       coalesce(x.feature_id, (
           SELECT min(l.location_id)
             FROM sta_placing AS p JOIN sta_placed AS l USING (placing_id)
            WHERE p.device_id = t.device_id AND l.present), t.device_id) AS feature_id
  FROM observation AS o
  JOIN datastream AS t USING (datastream_id)
  LEFT JOIN sta_observation AS x USING (datastream_id, phenomenon_time)

-- sync_catalogue --
-- $1 text[] property, $2 name, $3 definition, $4 description: the catalogue of this version.
INSERT INTO observed_property AS old (property, name, definition, description)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS new (p, n, d, t)
 ORDER BY p
    ON CONFLICT (property) DO UPDATE
   SET name = EXCLUDED.name, definition = EXCLUDED.definition, description = EXCLUDED.description
 WHERE NOT old.made
   AND (old.name, old.definition, old.description) <> (EXCLUDED.name, EXCLUDED.definition, EXCLUDED.description);

-- make_thing --
-- $1 name, $2 profile, $3 domain, $4 description, $5 jsonb properties
WITH new AS (
     INSERT INTO device (device_id, profile, domain, name)
     VALUES ('thing-' || nextval('sta_number'), $2, $3, $1)
     RETURNING device_id)
INSERT INTO sta_thing (device_id, description, properties)
SELECT device_id, $4, $5::jsonb FROM new
RETURNING device_id;

-- make_sensor --
-- $1 name, $2 description, $3 encoding_type, $4 jsonb metadata, $5 jsonb properties
INSERT INTO sta_sensor (name, description, encoding_type, metadata, properties)
VALUES ($1, $2, $3, $4::jsonb, $5::jsonb)
RETURNING sensor_id;

-- make_property --
-- $1 the name made an id, $2 name, $3 definition, $4 description, $5 jsonb properties: numbered where it is taken.
INSERT INTO observed_property (property, name, definition, description, properties, made)
VALUES (CASE WHEN $1 <> '' AND NOT EXISTS (SELECT FROM observed_property WHERE property = $1) THEN $1
             ELSE concat_ws('_', nullif($1, ''), nextval('sta_number')) END, $2, $3, $4, $5::jsonb, true)
RETURNING property;

-- make_location --
-- $1 name, $2 description, $3 encoding_type, $4 jsonb location, $5 longitude, $6 latitude, $7 jsonb properties
INSERT INTO sta_location (name, description, encoding_type, location, longitude, latitude, properties)
VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7::jsonb)
RETURNING location_id;

-- make_feature --
-- $1 name, $2 description, $3 encoding_type, $4 jsonb feature, $5 longitude, $6 latitude, $7 jsonb properties
INSERT INTO sta_feature (name, description, encoding_type, feature, longitude, latitude, properties)
VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7::jsonb)
RETURNING feature_id;

-- make_datastream --
-- $1 device_id, $2 property, $3 unit, $4 name, $5 description, $6 observation_type, $7 jsonb unit_of_measurement,
-- $8 sensor_id, $9 jsonb properties. A second datastream of one property on one device gets a number behind its name.
WITH new AS (
     INSERT INTO datastream (device_id, property, unit)
     VALUES ($1, $2 || CASE WHEN EXISTS (SELECT FROM datastream WHERE device_id = $1 AND property = $2)
                            THEN '_' || nextval('sta_number') ELSE '' END, $3)
     RETURNING datastream_id)
INSERT INTO sta_datastream (datastream_id, name, description, observation_type, unit_of_measurement, sensor_id,
                            property, properties)
SELECT datastream_id, $4, $5, $6, $7::jsonb, $8, $2, $9::jsonb FROM new
RETURNING datastream_id;

-- make_placing --
-- $1 device_id, $2 timestamptz at
INSERT INTO sta_placing (device_id, at) VALUES ($1, $2) RETURNING placing_id;

-- end_placing --
-- $1 device_id: it is no longer where it was.
UPDATE sta_placed AS l SET present = false
  FROM sta_placing AS p
 WHERE p.placing_id = l.placing_id AND p.device_id = $1 AND l.present;

-- make_placed --
-- $1 placing_id, $2 text[] location_ids, $3 boolean present
INSERT INTO sta_placed (placing_id, location_id, present)
SELECT $1, l, $3 FROM unnest($2::text[]) AS new (l)
    ON CONFLICT DO NOTHING;

-- point_of --
-- $1 text[] location_ids: where the first of them that is a point lies.
SELECT longitude, latitude FROM sta_location
 WHERE location_id = ANY ($1::text[]) AND longitude IS NOT NULL
 ORDER BY location_id
 LIMIT 1;

-- keep_place --
-- $1 device_id, $2 longitude, $3 latitude, $4 district_id
UPDATE device SET longitude = $2, latitude = $3, district_id = $4 WHERE device_id = $1;

-- same_observations --
-- $1 int[] datastream_id, $2 timestamptz[], $3 float8[] result: those that are there with another result.
SELECT n FROM unnest($1::int[], $2::timestamptz[], $3::float8[]) WITH ORDINALITY AS new (d, t, r, n)
 WHERE EXISTS (SELECT FROM observation AS o
                WHERE o.datastream_id = d AND o.phenomenon_time = t AND o.result IS DISTINCT FROM r);

-- describe_observations --
-- $1 int[] datastream_id, $2 timestamptz[] phenomenon_time, $3 timestamptz[] phenomenon_end, $4 timestamptz[] result_time,
-- $5 text[] valid_time, $6 jsonb[] result_quality, $7 jsonb[] parameters, $8 text[] feature_id
INSERT INTO sta_observation (datastream_id, phenomenon_time, phenomenon_end, result_time, valid_time, result_quality,
                             parameters, feature_id)
SELECT * FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::jsonb[],
                     $7::jsonb[], $8::text[]) AS new (d, t, e, r, v, q, p, f)
 ORDER BY d, t
    ON CONFLICT DO NOTHING;

-- has_place --
-- $1 int datastream_id: whether its thing has a place that may stand for the feature of interest; null: no datastream.
SELECT d.longitude IS NOT NULL AND d.latitude IS NOT NULL
       OR EXISTS (SELECT FROM sta_placing AS p JOIN sta_placed AS l USING (placing_id)
                   WHERE p.device_id = d.device_id AND l.present) AS placed,
       d.device_id, t.property, coalesce(x.observation_type, '') AS observation_type
  FROM datastream AS t JOIN device AS d USING (device_id) LEFT JOIN sta_datastream AS x USING (datastream_id)
 WHERE t.datastream_id = $1;
