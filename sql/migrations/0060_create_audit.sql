-- Who did what, from where. Each row carries the hash of the one before, so that a row that is changed, taken out or put
-- in later shows (`citywatch audit verify`). Written by sql/audit.py only, in the transaction of what it tells of.
CREATE TABLE audit_event (
    event_id      bigint PRIMARY KEY CHECK (event_id > 0),  -- without gaps
    at            timestamptz NOT NULL,
    actor         text NOT NULL,
    action        text NOT NULL,                            -- such as alert.acknowledge, account.role
    object        text NOT NULL,                            -- what it was done to, such as alert 17
    detail        text NOT NULL DEFAULT '{}',               -- canonical JSON; text, because its bytes are hashed
    address       text NOT NULL DEFAULT '',                 -- network address of who asked; empty: on the machine
    previous_hash bytea NOT NULL,                           -- of row event_id - 1; 32 zero bytes for the first
    hash          bytea NOT NULL
);
CREATE INDEX audit_event_actor ON audit_event (actor, event_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only added to';
END $$;
CREATE TRIGGER audit_event_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
