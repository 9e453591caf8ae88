-- enqueue --
-- $1 bigint alert_id, $2 text channel, $3 text target, $4 timestamptz due_at
-- Only for an alert that speaks.
INSERT INTO notification (alert_id, channel, target, due_at)
SELECT alert_id, $2, $3, $4
  FROM alert
 WHERE alert_id = $1 AND state = 'unacknowledged' AND NOT silent
    ON CONFLICT (alert_id, channel, target) DO NOTHING;

-- claim --
-- $1 timestamptz now
-- The next notification that is due, held until the transaction ends, with what it is about as that is now.
SELECT n.notification_id, n.channel, n.target, n.attempts, n.created_at, a.alert_id, a.alert_key, a.rule_id,
       a.device_id, a.severity, a.state, a.summary, a.raised_at, a.cleared_at, a.latched, a.retracted_at, a.incident_id,
       d.latitude, d.longitude, d.district_id, i.title AS incident_title, i.severity AS incident_severity, i.cause,
       (SELECT count(*) FROM alert AS m WHERE m.incident_id = a.incident_id) AS incident_alerts,
       EXISTS (SELECT FROM notification AS o
                WHERE o.incident_id = a.incident_id AND o.channel = n.channel AND o.target = n.target
                  AND o.state = 'sent') AS incident_told,
       v.definition
  FROM notification AS n
  JOIN alert AS a USING (alert_id)
  LEFT JOIN device AS d ON d.device_id = a.device_id
  LEFT JOIN incident AS i ON i.incident_id = a.incident_id
  LEFT JOIN rule_version AS v ON v.rule_id = a.rule_id AND v.version = a.rule_version
 WHERE n.state = 'pending' AND n.due_at <= $1
 ORDER BY n.due_at, n.notification_id
 LIMIT 1
   FOR UPDATE OF n SKIP LOCKED;

-- settle --
-- $1 bigint notification_id, $2 text state, $3 text reason, $4 timestamptz sent_at, $5 bigint incident_id
UPDATE notification
   SET state = $2, reason = $3, sent_at = $4, incident_id = $5, attempts = attempts + 1
 WHERE notification_id = $1;

-- postpone --
-- $1 bigint notification_id, $2 timestamptz due_at, $3 text reason
UPDATE notification SET due_at = $2, reason = $3, attempts = attempts + 1 WHERE notification_id = $1;

-- dead_letters --
SELECT notification_id, alert_id, channel, target, attempts, reason, created_at
  FROM notification
 WHERE state = 'dead'
 ORDER BY notification_id DESC
 LIMIT 200;
