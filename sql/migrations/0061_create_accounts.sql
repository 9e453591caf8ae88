-- People, programs and their sessions. Passwords are Argon2 hashes; of tokens and keys only a hash is kept.
CREATE TABLE account_user (
    account_id    int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE CHECK (name = lower(name) AND name ~ '^[a-z0-9][a-z0-9@._+-]{0,79}$'),
    role          text NOT NULL CHECK (role IN ('viewer', 'operator', 'engineer', 'auditor', 'admin')),
    districts     text[],                 -- limited to these districts; null: the whole city
    domains       text[],                 -- limited to these domains; null: all
    password_hash text,                   -- null: signs in elsewhere
    must_change   boolean NOT NULL DEFAULT false,
    issuer        text,                   -- OpenID provider, and who it says it is there
    subject       text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    disabled_at   timestamptz,
    UNIQUE (issuer, subject)
);

CREATE TABLE session (
    token_hash bytea PRIMARY KEY,         -- SHA-256: the token itself is in the browser only
    account_id int NOT NULL REFERENCES account_user ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX session_account ON session (account_id);

CREATE TABLE api_key (
    key_id      text PRIMARY KEY,
    secret_hash bytea NOT NULL,           -- SHA-256 of 256 random bits
    account_id  int NOT NULL REFERENCES account_user ON DELETE CASCADE,
    label       text NOT NULL,
    role        text NOT NULL CHECK (role IN ('viewer', 'operator', 'engineer', 'auditor', 'admin')),
    districts   text[],
    domains     text[],
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz
);
CREATE INDEX api_key_account ON api_key (account_id);

-- Failed attempts to sign in, per account and per address.
CREATE TABLE sign_in_failure (
    key      text PRIMARY KEY,
    failures int NOT NULL,
    last_at  timestamptz NOT NULL
);

-- A sign-in at an OpenID provider that has begun: what the answer must match. Bound to one browser by a cookie.
CREATE TABLE sign_in_flow (
    state_hash  bytea PRIMARY KEY,
    nonce       text NOT NULL,
    verifier    text NOT NULL,
    next        text NOT NULL,
    expires_at  timestamptz NOT NULL
);
