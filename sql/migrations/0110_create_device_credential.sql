-- How devices prove who they are to the broker, and the keys by which a fleet claims its own accounts.

-- The name at the broker is the device's id. The password itself is kept nowhere: PBKDF2 with HMAC-SHA512 over `salt`
-- (its ASCII text), 64 bytes, as Mosquitto's dynamic security and EMQX both read it.
CREATE TABLE device_credential (
    device_id  text PRIMARY KEY REFERENCES device ON DELETE CASCADE,
    salt       text NOT NULL,
    hash       bytea NOT NULL,
    iterations int NOT NULL,
    created_at timestamptz NOT NULL,      -- of this password: a rotation is a new one
    created_by text NOT NULL,
    revoked_at timestamptz,
    revoked_by text
);

-- What a broker that asks the store itself (EMQX) needs to know.
CREATE VIEW broker_account AS
SELECT device_id AS username, encode(hash, 'hex') AS password_hash, salt, iterations
  FROM device_credential
 WHERE revoked_at IS NULL;

-- A key lets registered devices without a credential claim one, each once.
CREATE TABLE provisioning_key (
    name       text PRIMARY KEY,
    hash       bytea NOT NULL UNIQUE,     -- SHA-256: the key is random and long
    profile    text,                      -- only devices of this type; null: any
    uses_left  int NOT NULL CHECK (uses_left >= 0),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL
);
