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

-- version_of --
-- $1 text device_id
SELECT version FROM device WHERE device_id = $1::text;

-- district_shapes --
SELECT district_id, polygon FROM district ORDER BY district_id;

-- site_places --
SELECT site_id, longitude, latitude FROM site;

-- source_ids --
SELECT source_id FROM source;

-- is_registered --
-- $1 text device_id
SELECT EXISTS (SELECT 1 FROM device WHERE device_id = $1::text);

-- list_strangers --
-- $1 int limit
-- Ids that are not registered, with what is kept of them and not yet played again; the one heard last first.
WITH stranger AS (
    SELECT kept.device_id, count(*)::int AS messages, min(received_at) AS first_at, max(received_at) AS last_at,
           max(rejected_id) AS last_id
      FROM rejected_message AS kept
     WHERE reason = 'unknown_device' AND replayed_at IS NULL AND kept.device_id IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM device WHERE device.device_id = kept.device_id)
     GROUP BY kept.device_id
     ORDER BY last_at DESC, kept.device_id
     LIMIT $1::int)
SELECT s.device_id, s.messages, s.first_at, s.last_at, last.topic, last.payload
  FROM stranger AS s
  JOIN rejected_message AS last ON last.rejected_id = s.last_id
 ORDER BY s.last_at DESC, s.device_id;

-- kept_messages --
-- $1 text device_id, $2 int limit
-- What an id that is not registered sent, newest first; whole messages only.
SELECT payload
  FROM rejected_message
 WHERE reason = 'unknown_device' AND device_id = $1::text AND length(payload) = payload_size
 ORDER BY rejected_id DESC
 LIMIT $2::int;

-- is_kept --
-- $1 text device_id
SELECT EXISTS (SELECT 1 FROM rejected_message WHERE reason = 'unknown_device' AND device_id = $1::text)
    OR EXISTS (SELECT 1 FROM device WHERE device_id = $1::text);
