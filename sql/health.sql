-- annunciations --
-- $1 timestamptz since, $2 timestamptz until (not included)
-- Alerts that called somebody, by when they were raised, with when they were seen and when they were over: closed, that
-- is acknowledged and gone.
SELECT a.alert_id, a.alert_key, a.rule_id, a.severity, a.incident_id, a.raised_at, a.recorded_at, a.acknowledged_at,
       d.district_id,
       (SELECT max(e.recorded_at) FROM alert_event AS e
         WHERE NOT a.open AND e.alert_id = a.alert_id AND e.to_state = 'normal') AS resolved_at
  FROM alert AS a
  LEFT JOIN device AS d USING (device_id)
 WHERE a.raised_at >= $1 AND a.raised_at < $2 AND NOT a.silent AND a.retracted_at IS NULL
   AND EXISTS (SELECT FROM alert_event AS e WHERE e.alert_id = a.alert_id AND e.to_state = 'unacknowledged')
 ORDER BY a.raised_at, a.alert_id;

-- stale --
-- $1 timestamptz raised before
-- Alerts that have stood for too long: nobody acts on them, so they should be no alerts, or be acted on. Those of a
-- replay stand by its own clock, and nobody is to act on them.
SELECT a.alert_id, a.alert_key, a.rule_id, a.device_id, a.severity, a.state, a.raised_at
  FROM alert AS a
  LEFT JOIN device AS d USING (device_id)
  LEFT JOIN source AS s USING (source_id)
 WHERE a.open AND a.cleared_at IS NULL AND a.raised_at < $1 AND NOT a.silent
   AND coalesce(s.kind, 'live') = 'live'
   AND a.state NOT IN ('shelved', 'suppressed', 'out_of_service')
 ORDER BY a.raised_at, a.alert_id;
