-- incidents --
-- $1 bool open ones only (null: any), $2 limit: alerts with one common cause, newest first, with the alerts in each.
SELECT i.incident_id, i.cause, i.title, i.severity, i.began_at, i.newest_at, i.closed_at,
       coalesce(array_agg(a.alert_id ORDER BY a.raised_at, a.alert_id) FILTER (WHERE a.alert_id IS NOT NULL), '{}')
           AS alert_ids
  FROM incident AS i
  LEFT JOIN alert AS a ON a.incident_id = i.incident_id AND a.retracted_at IS NULL
 WHERE ($1::boolean IS NULL OR (i.closed_at IS NULL) = $1)
 GROUP BY i.incident_id
 ORDER BY i.newest_at DESC, i.incident_id DESC
 LIMIT $2::int;

-- open_alerts_of --
-- $1 source_id: open alerts by severity about devices of that source, and about none; recorded history beside the live
-- city has alerts too, which nobody is to act upon.
SELECT a.severity, count(*)
  FROM alert AS a
  LEFT JOIN device AS d USING (device_id)
 WHERE a.open AND (a.device_id IS NULL OR d.source_id = $1)
 GROUP BY a.severity;
