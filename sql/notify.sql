-- enqueue --
-- $1 bigint[] alert_id, $2 timestamptz[] due_at, $3 text channel, $4 text target, $5 boolean whether they speak anew,
-- $6 boolean whether they are grouped in this transaction
-- Only for alerts that speak.
INSERT INTO notification (alert_id, channel, target, due_at, ready, round)
SELECT a.alert_id, $3, $4, new.due_at, $6,
       CASE WHEN $5 THEN (SELECT coalesce(max(round), -1) + 1 FROM notification AS o WHERE o.alert_id = a.alert_id)
            ELSE 0 END
  FROM unnest($1::bigint[], $2::timestamptz[]) WITH ORDINALITY AS new (alert_id, due_at, n)
  JOIN alert AS a ON a.alert_id = new.alert_id
 WHERE a.state = 'unacknowledged' AND NOT a.silent
 ORDER BY n
    ON CONFLICT DO NOTHING;

-- release --
-- Before alerts are grouped: those of these notifications are seen then. What somebody else has in hand comes next time.
UPDATE notification SET ready = true
 WHERE notification_id IN (SELECT notification_id FROM notification
                            WHERE NOT ready
                            ORDER BY notification_id
                              FOR UPDATE SKIP LOCKED);

-- escalate --
-- $1 timestamptz recorded before, $2 text[] severities, $3 text channel, $4 text target, $5 int step,
-- $6 timestamptz now, $7 timestamptz recorded after, $8 interval between repetitions or null
-- Alerts that nobody has acknowledged in time are told to the next one, or told again: then the step counts how often.
-- An incident is told once, by its first alert; who acknowledged one of its alerts has seen it.
WITH waiting AS (
    SELECT a.alert_id, a.incident_id, a.raised_at,
           $5::int + coalesce(floor(extract(epoch FROM $6::timestamptz - a.recorded_at)
                                    / extract(epoch FROM $8::interval))::int, 0) AS step
      FROM alert AS a
     WHERE a.open AND NOT a.silent AND a.acknowledged_at IS NULL
       AND a.state IN ('unacknowledged', 'latched_unacknowledged')
       AND a.recorded_at <= $1 AND a.recorded_at > $7 AND a.severity = ANY ($2)
       AND NOT EXISTS (SELECT FROM alert AS o
                        WHERE o.incident_id = a.incident_id AND o.acknowledged_at IS NOT NULL))
INSERT INTO notification (alert_id, channel, target, step, due_at)
SELECT DISTINCT ON (coalesce(w.incident_id, -w.alert_id)) w.alert_id, $3, $4, w.step, $6
  FROM waiting AS w
 WHERE NOT EXISTS (SELECT FROM notification AS n
                     JOIN alert AS o ON o.alert_id = n.alert_id
                    WHERE (o.alert_id = w.alert_id OR o.incident_id = w.incident_id)
                      AND n.kind = 'alert' AND n.channel = $3 AND n.target = $4 AND n.step = w.step)
 ORDER BY coalesce(w.incident_id, -w.alert_id), w.raised_at, w.alert_id
    ON CONFLICT DO NOTHING;

-- claim --
-- $1 timestamptz now
-- The next notification that is due, held until the transaction ends, with what it is about as that is now. Not one whose
-- alert might still turn out to be one of many with the same cause.
-- An alert about a district stands in the middle of its devices.
SELECT n.notification_id, n.kind, n.step, n.round, n.channel, n.target, n.attempts, n.created_at, a.alert_id,
       a.alert_key, a.rule_id, a.device_id, a.area, a.severity, a.state, a.summary, a.raised_at, a.cleared_at, a.latched,
       a.retracted_at, a.incident_id, a.acknowledged_at, coalesce(d.latitude, r.latitude) AS latitude,
       coalesce(d.longitude, r.longitude) AS longitude, coalesce(d.district_id, r.district_id) AS district_id,
       i.title AS incident_title, i.severity AS incident_severity, i.cause,
       (SELECT count(*) FROM alert AS m WHERE m.incident_id = a.incident_id) AS incident_alerts,
       n.kind = 'alert' AND EXISTS (
           SELECT FROM notification AS o
            WHERE o.incident_id = a.incident_id AND o.channel = n.channel AND o.target = n.target
              AND o.state = 'sent' AND o.kind = 'alert' AND o.step = n.step AND o.round = n.round) AS incident_told,
       v.definition, w.work_order_id, w.queue, w.task, w.due_at AS work_due_at, w.created_by,
       w.severity AS work_severity, e.to_state AS work_state, e.crew, e.note, e.photo_url, e.actor AS work_actor
  FROM notification AS n
  JOIN alert AS a USING (alert_id)
  LEFT JOIN device AS d ON d.device_id = a.device_id
  LEFT JOIN LATERAL (
       SELECT p.district_id, avg(p.latitude) AS latitude, avg(p.longitude) AS longitude
         FROM device AS p
        WHERE p.district_id = substring(a.area FROM '^district:([^@]+)')
        GROUP BY p.district_id) AS r ON true
  LEFT JOIN incident AS i ON i.incident_id = a.incident_id
  LEFT JOIN rule_version AS v ON v.rule_id = a.rule_id AND v.version = a.rule_version
  LEFT JOIN work_order_event AS e ON e.event_id = n.work_order_event_id
  LEFT JOIN work_order AS w ON w.work_order_id = e.work_order_id
 WHERE n.state = 'pending' AND n.due_at <= $1 AND n.ready
 ORDER BY a.severity <> 'CRITICAL' AND a.incident_id IS NULL, n.due_at, n.notification_id
 LIMIT 1
   FOR UPDATE OF n SKIP LOCKED;

-- sent_lately --
-- $1 text channel, $2 text target, $3 timestamptz since
-- What one receiver was told of alerts since then.
SELECT count(*) FROM notification
 WHERE channel = $1 AND target = $2 AND state = 'sent' AND kind <> 'work_order' AND sent_at > $3;

-- hold --
-- $1 bigint notification_id, $2 text reason
UPDATE notification SET state = 'held', reason = $2 WHERE notification_id = $1;

-- digest --
-- $1 bigint alert_id, $2 text channel, $3 text target, $4 timestamptz soonest, $5 interval between two
-- One digest waits for each receiver at most, and no sooner than so long after the one before.
INSERT INTO notification (alert_id, channel, target, kind, due_at)
SELECT $1, $2, $3, 'digest',
       greatest($4, (SELECT max(sent_at) + $5 FROM notification
                      WHERE channel = $2 AND target = $3 AND kind = 'digest' AND state = 'sent'))
    ON CONFLICT (channel, target) WHERE kind = 'digest' AND state = 'pending' DO NOTHING;

-- held_back --
-- $1 text channel, $2 text target
-- What is held back and still wants something of somebody, by rule, most first.
SELECT a.rule_id, count(DISTINCT a.alert_id)::int AS alerts,
       min(array_position('{CRITICAL,HIGH,MEDIUM,LOW}'::text[], a.severity)) AS severity
  FROM notification AS n
  JOIN alert AS a USING (alert_id)
 WHERE n.channel = $1 AND n.target = $2 AND n.state = 'held' AND a.state = 'unacknowledged'
 GROUP BY a.rule_id
 ORDER BY alerts DESC, a.rule_id;

-- settle --
-- $1 bigint notification_id, $2 text state, $3 text reason, $4 timestamptz sent_at, $5 bigint incident_id
UPDATE notification
   SET state = $2, reason = $3, sent_at = $4, incident_id = coalesce($5, incident_id), attempts = attempts + 1
 WHERE notification_id = $1;

-- drop_told --
-- $1 bigint incident_id, $2 text channel, $3 text target, $4 int step, $5 int round, $6 timestamptz now, $7 text reason
-- Whatever is due and was told with its incident already.
UPDATE notification
   SET state = 'dropped', reason = $7, incident_id = $1, attempts = attempts + 1
 WHERE notification_id IN (
       SELECT n.notification_id
         FROM notification AS n
         JOIN alert AS a USING (alert_id)
        WHERE a.incident_id = $1 AND n.channel = $2 AND n.target = $3 AND n.step = $4 AND n.round = $5
          AND n.kind = 'alert' AND n.state = 'pending' AND n.due_at <= $6
          FOR UPDATE OF n SKIP LOCKED);

-- postpone --
-- $1 bigint notification_id, $2 timestamptz due_at, $3 text reason
UPDATE notification SET due_at = $2, reason = $3, attempts = attempts + 1 WHERE notification_id = $1;

-- pause --
-- $1 text channel, $2 text target, $3 timestamptz until
-- What else waits for a receiver that could not be reached waits with it.
UPDATE notification SET due_at = $3 WHERE state = 'pending' AND channel = $1 AND target = $2 AND due_at < $3;

-- notifications --
-- $1 text state or null, $2 bigint alert_id or null, $3 bigint before notification_id or null, $4 int limit
SELECT notification_id, alert_id, incident_id, kind, step, channel, target, state, reason, attempts, created_at, due_at,
       sent_at
  FROM notification
 WHERE ($1::text IS NULL OR state = $1) AND ($2::bigint IS NULL OR alert_id = $2)
   AND ($3::bigint IS NULL OR notification_id < $3)
 ORDER BY notification_id DESC
 LIMIT $4::int;

-- try_again --
-- $1 bigint notification_id, $2 timestamptz now
-- A dead letter becomes due once more.
UPDATE notification SET state = 'pending', attempts = 0, due_at = $2
 WHERE notification_id = $1 AND state = 'dead'
RETURNING alert_id;
