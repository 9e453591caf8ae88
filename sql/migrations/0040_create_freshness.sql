-- Whether a device reports as it should, said once for lists, maps, figures and metrics.

-- The now of a source: the wall clock, or the replay's own.
CREATE FUNCTION source_now(kind text, clock timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN kind = 'live' THEN now() ELSE clock END $$;

-- fresh within three expected intervals, stale within twelve, then silent. A source without a clock ages nothing.
CREATE FUNCTION freshness(last_time timestamptz, source_now timestamptz, expected_interval interval) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN last_time IS NULL THEN 'never'
                      WHEN source_now IS NULL OR source_now - last_time <= 3 * expected_interval THEN 'fresh'
                      WHEN source_now - last_time <= 12 * expected_interval THEN 'stale'
                      ELSE 'silent' END $$;

-- For "the worst of": higher is worse.
CREATE FUNCTION severity_rank(severity text) RETURNS int
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT array_position(ARRAY['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'], severity) $$;

-- Alert lists page by time and number; a map asks for the open ones of each device.
CREATE INDEX alert_open_by_device ON alert (device_id) WHERE open;
CREATE INDEX alert_by_time_and_number ON alert (raised_at DESC, alert_id DESC);
