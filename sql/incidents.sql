-- alone --
-- $1 interval how long ago they were recorded at most, $2 text[] tags that bind, $3 text[] devices that others hang on
-- Open alerts that speak, belong to no incident and were recorded lately; what nothing can bind is not read.
SELECT a.alert_id, a.rule_id, a.device_id, a.severity, a.raised_at, d.tags, d.latitude, d.longitude,
       d.expected_interval
  FROM alert AS a
  JOIN device AS d USING (device_id)
 WHERE a.open AND a.incident_id IS NULL AND NOT a.silent AND a.recorded_at > now() - $1::interval
   AND (d.latitude IS NOT NULL OR d.tags ?| $2::text[] OR d.device_id = ANY ($3::text[]))
 ORDER BY a.alert_id;

-- open_incidents --
-- Incidents that new alerts may join, with where their devices stand.
SELECT i.incident_id, i.cause, i.newest_at,
       coalesce(array_agg(d.latitude) FILTER (WHERE d.latitude IS NOT NULL), '{}') AS latitudes,
       coalesce(array_agg(d.longitude) FILTER (WHERE d.latitude IS NOT NULL), '{}') AS longitudes
  FROM incident AS i
  LEFT JOIN alert AS a USING (incident_id)
  LEFT JOIN device AS d ON d.device_id = a.device_id AND i.cause LIKE 'place:%'
 WHERE i.closed_at IS NULL
 GROUP BY i.incident_id
 ORDER BY i.incident_id;

-- placed --
-- $1 text[] rules on silence
-- Open alerts on silence in open incidents that are bound by place.
SELECT a.incident_id, a.alert_id, a.rule_id, a.device_id, a.severity, a.raised_at, d.tags, d.latitude, d.longitude,
       d.expected_interval
  FROM incident AS i
  JOIN alert AS a USING (incident_id)
  JOIN device AS d USING (device_id)
 WHERE i.closed_at IS NULL AND i.cause LIKE 'place:%' AND a.open AND a.rule_id = ANY ($1)
 ORDER BY a.alert_id;

-- blame --
-- $1 bigint incident_id, $2 text cause, $3 text title
UPDATE incident SET cause = $2, title = $3 WHERE incident_id = $1;

-- open_incident --
-- $1 text cause, $2 text title, $3 text severity, $4 timestamptz began_at, $5 timestamptz newest_at
INSERT INTO incident (cause, title, severity, began_at, newest_at) VALUES ($1, $2, $3, $4, $5)
RETURNING incident_id;

-- bind --
-- $1 bigint incident_id, $2 bigint[] alert_id, $3 timestamptz newest_at, $4 text severity of the most urgent
WITH bound AS (
    UPDATE alert SET incident_id = $1 WHERE alert_id = ANY ($2))
UPDATE incident
   SET newest_at = greatest(newest_at, $3),
       severity = CASE WHEN array_position('{CRITICAL,HIGH,MEDIUM,LOW}'::text[], $4)
                            < array_position('{CRITICAL,HIGH,MEDIUM,LOW}'::text[], severity)
                       THEN $4 ELSE severity END
 WHERE incident_id = $1;

-- close_incidents --
-- $1 timestamptz now
UPDATE incident AS i
   SET closed_at = $1
 WHERE closed_at IS NULL AND NOT EXISTS (SELECT FROM alert AS a WHERE a.incident_id = i.incident_id AND a.open);

-- incident_alerts --
-- $1 bigint incident_id
SELECT alert_id, device_id, rule_id, severity, state, raised_at, cleared_at, summary
  FROM alert
 WHERE incident_id = $1
 ORDER BY raised_at, alert_id;
