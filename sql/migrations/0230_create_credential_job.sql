-- Accounts for many devices as a job. The passwords wait to be fetched once, sealed with a key that only whoever asked
-- for the job has (AES-256-GCM): the store alone opens nothing.
CREATE TABLE credential_job (
    job_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain      text,                 -- null: of any domain
    profile     text,                 -- null: of any type
    at_restart  boolean NOT NULL,     -- in the store only, for the broker's next start
    actor       text NOT NULL,
    state       text NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
    done        int NOT NULL DEFAULT 0,
    of          int NOT NULL,
    error       text,
    created_at  timestamptz NOT NULL,
    touched_at  timestamptz NOT NULL,
    fetched_at  timestamptz           -- when the passwords were handed out; then they are gone
);

CREATE TABLE credential_job_part (
    job_id  bigint NOT NULL REFERENCES credential_job ON DELETE CASCADE,
    part    int NOT NULL,
    sealed  bytea NOT NULL,           -- nonce of 12 bytes, then lines of CSV, sealed
    PRIMARY KEY (job_id, part)
);
