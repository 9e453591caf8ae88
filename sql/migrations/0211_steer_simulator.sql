-- The simulator as `citywatch up` runs it: what somebody asked it to play, and what it says it plays. One row at most.
CREATE TABLE simulation (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    asked       text,                     -- name of a scenario; null: the city stands still
    asked_by    text NOT NULL,
    asked_at    timestamptz NOT NULL,
    playing     text,
    playing_at  timestamptz,              -- since when
    devices     int NOT NULL,
    seed        bigint NOT NULL,
    reported_at timestamptz NOT NULL      -- long ago: no simulator listens
);
