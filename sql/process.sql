-- report_process --
-- $1 text process, $2 text instance, $3 timestamptz started_at, $4 text exposition
INSERT INTO process_report (process, instance, started_at, at, exposition)
VALUES ($1::text, $2::text, $3::timestamptz, clock_timestamp(), $4::text)
    ON CONFLICT (process, instance) DO UPDATE
   SET started_at = EXCLUDED.started_at, at = EXCLUDED.at, exposition = EXCLUDED.exposition;

-- forget_reports --
-- Drop those that have said nothing for a day: a container that is gone never comes back under its name.
DELETE FROM process_report WHERE at < clock_timestamp() - interval '1 day';

-- withdraw_report --
-- $1 text process, $2 text instance
-- It ended in order.
DELETE FROM process_report WHERE process = $1::text AND instance = $2::text;

-- process_reports --
-- Those that have reported lately, and how many seconds ago.
SELECT process, instance, started_at, exposition,
       extract(epoch FROM clock_timestamp() - at)::float8 AS silent_seconds,
       extract(epoch FROM clock_timestamp() - started_at)::float8 AS up_seconds
  FROM process_report
 WHERE at > clock_timestamp() - interval '1 minute'
 ORDER BY process, instance;

-- notifications_waiting --
-- How many notifications are to be sent, now or later.
SELECT count(*) FROM notification WHERE state = 'pending';

-- latest_probe --
-- $1 text device_id, $2 text property
-- Up to which of its own times the probe is to be seen.
SELECT l.phenomenon_time
  FROM latest_observation AS l
  JOIN datastream AS s USING (datastream_id)
 WHERE s.device_id = $1::text AND s.property = $2::text;

-- reported_lately --
-- $1 text process, $2 text host, $3 interval patience
-- Whether a process of this host has reported within the patience.
SELECT EXISTS (
       SELECT FROM process_report
        WHERE process = $1::text AND (instance = $2::text OR starts_with(instance, $2::text || '/'))
          AND at > clock_timestamp() - $3::interval);
