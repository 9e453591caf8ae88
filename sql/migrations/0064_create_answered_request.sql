-- Requests that carried an Idempotency-Key, and what they were answered: sent again, they get the same answer and do
-- nothing. Without an answer one is still being worked on, or was cut off; it is never taken up again.
CREATE TABLE answered_request (
    caller      text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,           -- SHA-256 of method, path, query and body
    at          timestamptz NOT NULL DEFAULT now(),
    status      int,
    media_type  text,
    body        bytea,
    PRIMARY KEY (caller, key)
);
CREATE INDEX answered_request_at ON answered_request (at);
