-- begin_simulation --
-- $1 scenario, $2 int devices, $3 bigint seed. What was asked of one that ran before does not outlive it.
INSERT INTO simulation (asked, asked_by, asked_at, devices, seed, reported_at)
VALUES ($1, 'start of the simulator', now(), $2, $3, now())
    ON CONFLICT (one) DO UPDATE
   SET asked = excluded.asked, asked_by = excluded.asked_by, asked_at = excluded.asked_at, playing = NULL,
       playing_at = NULL, devices = excluded.devices, seed = excluded.seed, reported_at = excluded.reported_at
RETURNING asked_at;

-- report_simulation --
-- $1 scenario that plays, null for none, $2 timestamptz since when
UPDATE simulation SET playing = $1, playing_at = $2, reported_at = now() RETURNING asked, asked_at;

-- ask_simulation --
-- $1 scenario or null, $2 who asks: nothing where no simulator listens.
UPDATE simulation SET asked = $1, asked_by = $2, asked_at = clock_timestamp()
 WHERE reported_at > now() - interval '15 s'
RETURNING true;

-- read_simulation --
SELECT reported_at > now() - interval '15 s' AS enabled, asked, asked_by, asked_at, playing, playing_at, devices, seed
  FROM simulation;
