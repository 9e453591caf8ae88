-- What was deleted by retention or for want of disk, so that nobody wonders where history went.
CREATE TABLE store_deletion (
    deletion_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    class       text NOT NULL CHECK (class IN ('raw', 'minute', 'quarter', 'hour', 'alerts', 'rejected', 'tail')),
    reason      text NOT NULL CHECK (reason IN ('retention', 'disk')),
    before      timestamptz NOT NULL,   -- what was older went
    rows        bigint NOT NULL,
    bytes       bigint                  -- given back to the disk at once; null where the space is used again instead
);
