-- lock_devices --
-- $1 text[] device_id
-- Those of these devices that are there, held until the end of the transaction, so that no version moves meanwhile.
SELECT device_id, profile, domain, name, site_id, district_id, latitude, longitude, source_id, expected_interval, tags,
       version
  FROM device
 WHERE device_id = ANY ($1::text[])
 ORDER BY device_id
   FOR UPDATE;

-- list_devices --
-- $1 text domain or null, $2 text district_id or null, $3 text profile or null, $4 text device_id after which, $5 int limit
SELECT device_id, profile, domain, name, site_id, district_id, latitude, longitude, source_id, expected_interval, tags,
       version
  FROM device
 WHERE device_id > $4::text AND ($1::text IS NULL OR domain = $1) AND ($2::text IS NULL OR district_id = $2)
   AND ($3::text IS NULL OR profile = $3)
 ORDER BY device_id
 LIMIT $5::int;

-- district_shapes --
SELECT district_id, polygon FROM district ORDER BY district_id;

-- site_places --
SELECT site_id, longitude, latitude FROM site;

-- source_ids --
SELECT source_id FROM source;
