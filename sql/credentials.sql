-- lock_credentials --
-- $1 text[] device_id
-- Holds these devices until the end of the transaction, so that two who provision at once do not both show a password.
SELECT FROM device WHERE device_id = ANY ($1::text[]) ORDER BY device_id FOR UPDATE;

-- have_credentials --
-- $1 text[] device_id: each of these devices that is registered, whether it has a credential that is in force.
SELECT d.device_id, c.device_id IS NOT NULL AND c.revoked_at IS NULL AS active
  FROM device AS d LEFT JOIN device_credential AS c USING (device_id)
 WHERE d.device_id = ANY ($1::text[]);

-- keep_credentials --
-- $1 text[] device_id, $2 text[] salt, $3 bytea[] hash, $4 int iterations, $5 timestamptz now, $6 text actor
INSERT INTO device_credential (device_id, salt, hash, iterations, created_at, created_by)
SELECT new.device_id, new.salt, new.hash, $4::int, $5::timestamptz, $6::text
  FROM unnest($1::text[], $2::text[], $3::bytea[]) AS new (device_id, salt, hash)
 ORDER BY new.device_id
    ON CONFLICT (device_id) DO UPDATE
   SET salt = EXCLUDED.salt, hash = EXCLUDED.hash, iterations = EXCLUDED.iterations,
       created_at = EXCLUDED.created_at, created_by = EXCLUDED.created_by, revoked_at = NULL, revoked_by = NULL;

-- revoke_credentials --
-- $1 text[] device_id, $2 timestamptz now, $3 text actor
-- Returns those that were in force.
UPDATE device_credential
   SET revoked_at = $2::timestamptz, revoked_by = $3::text
 WHERE device_id = ANY ($1::text[]) AND revoked_at IS NULL
RETURNING device_id;

-- active_credentials --
-- All that are in force, as a broker's own file needs them.
SELECT device_id, salt, hash, iterations FROM device_credential WHERE revoked_at IS NULL ORDER BY device_id;

-- list_credentials --
-- $1 text device_id or null
SELECT device_id, created_at, created_by, revoked_at, revoked_by
  FROM device_credential
 WHERE $1::text IS NULL OR device_id = $1
 ORDER BY device_id;

-- without_credential --
-- $1 text domain or null, $2 text profile or null
-- Devices that have no credential in force.
SELECT d.device_id
  FROM device AS d
 WHERE ($1::text IS NULL OR d.domain = $1) AND ($2::text IS NULL OR d.profile = $2)
   AND NOT EXISTS (SELECT 1 FROM device_credential AS c WHERE c.device_id = d.device_id AND c.revoked_at IS NULL)
 ORDER BY d.device_id;

-- keep_provisioning_key --
-- $1 text name, $2 bytea hash, $3 text profile or null, $4 int uses, $5 timestamptz expires_at, $6 timestamptz now, $7 text actor
INSERT INTO provisioning_key (name, hash, profile, uses_left, expires_at, created_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (name) DO NOTHING
RETURNING name;

-- use_provisioning_key --
-- $1 bytea hash, $2 text device_id, $3 timestamptz now
-- Takes one use of a key that may claim this device; no row where it may not.
UPDATE provisioning_key AS k
   SET uses_left = uses_left - 1
  FROM device AS d
 WHERE k.hash = $1::bytea AND k.uses_left > 0 AND k.expires_at > $3::timestamptz
   AND d.device_id = $2::text AND (k.profile IS NULL OR k.profile = d.profile)
RETURNING k.name;

-- opens --
-- $1 bytea hash, $2 text device_id, $3 timestamptz now: whether a key may claim this device.
SELECT EXISTS (
    SELECT FROM provisioning_key AS k JOIN device AS d ON k.profile IS NULL OR k.profile = d.profile
     WHERE k.hash = $1::bytea AND k.uses_left > 0 AND k.expires_at > $3::timestamptz AND d.device_id = $2::text);
