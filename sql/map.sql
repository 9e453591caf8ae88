-- places --
-- Every device with a place, and when it was last heard by a reading of its own; in no order. Times in seconds of Unix.
SELECT d.device_id, d.name, d.domain, d.district_id, d.source_id, d.longitude, d.latitude,
       extract(epoch FROM d.expected_interval)::float8 AS expected_interval,
       extract(epoch FROM l.last_time)::float8 AS last_time
  FROM device AS d
  LEFT JOIN (
       SELECT t.device_id, max(o.phenomenon_time) AS last_time
         FROM datastream AS t JOIN latest_observation AS o USING (datastream_id)
        WHERE t.method IS NULL
        GROUP BY t.device_id) AS l USING (device_id)
 WHERE d.longitude IS NOT NULL AND d.latitude IS NOT NULL;

-- replay_clocks --
-- The now of each source that has one of its own; null before it has begun.
SELECT source_id, extract(epoch FROM clock)::float8 AS now FROM source WHERE kind = 'replay';

-- open_alerts --
-- Devices with open alerts: how severe the worst is, and whether one waits for an answer.
SELECT device_id, max(severity_rank(severity)) AS worst, bool_or(right(state, 14) = 'unacknowledged') AS waiting
  FROM alert
 WHERE open AND device_id IS NOT NULL
 GROUP BY device_id;

-- alerts_at --
-- $1 timestamptz: devices with alerts that stood at that time, as in `open_alerts`; nobody keeps which waited then.
SELECT device_id, max(severity_rank(severity)) AS worst, false AS waiting
  FROM alert
 WHERE (open OR cleared_at > $1::timestamptz) AND raised_at <= $1 AND (cleared_at IS NULL OR cleared_at > $1)
   AND device_id IS NOT NULL AND retracted_at IS NULL
 GROUP BY device_id;
