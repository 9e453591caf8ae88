-- hand_over --
-- $1 bigint alert_id, $2 bigint incident_id, $3 text queue, $4 text task or null, $5 text created_by,
-- $6 timestamptz created_at, $7 timestamptz due_at
-- Nothing comes back where the alert has an order that is not done.
INSERT INTO work_order (alert_id, incident_id, queue, severity, task, created_by, created_at, due_at, changed_at)
SELECT a.alert_id, $2, $3, a.severity,
       coalesce($4, v.definition ->> 'operator_action', a.summary ->> 'text', a.rule_id), $5, $6, $7, $6
  FROM alert AS a
  LEFT JOIN rule_version AS v ON v.rule_id = a.rule_id AND v.version = a.rule_version
 WHERE a.alert_id = $1
    ON CONFLICT (alert_id) WHERE state IN ('waiting', 'accepted', 'en_route') DO NOTHING
RETURNING work_order_id;

-- lock_order --
-- $1 bigint work_order_id
SELECT alert_id, state, crew FROM work_order WHERE work_order_id = $1 FOR UPDATE;

-- proceed --
-- $1 bigint work_order_id, $2 text state, $3 text crew, $4 text photo_url or null, $5 timestamptz at
UPDATE work_order
   SET state = $2, crew = $3, photo_url = coalesce($4, photo_url), changed_at = $5
 WHERE work_order_id = $1;

-- journal --
-- $1 bigint work_order_id, $2 timestamptz at, $3 text from_state, $4 text to_state, $5 text actor, $6 text crew,
-- $7 text note, $8 text photo_url
INSERT INTO work_order_event (work_order_id, at, from_state, to_state, actor, crew, note, photo_url)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING event_id;

-- tell --
-- $1 bigint event_id, $2 text channel, $3 text target, $4 timestamptz due_at
INSERT INTO notification (alert_id, incident_id, kind, work_order_event_id, channel, target, due_at)
SELECT w.alert_id, w.incident_id, 'work_order', e.event_id, $2, $3, $4
  FROM work_order_event AS e
  JOIN work_order AS w USING (work_order_id)
 WHERE e.event_id = $1;

-- orders --
-- $1 bigint work_order_id or null, $2 text queue or null, $3 text state or null, $4 boolean open or null,
-- $5 timestamptz now, $6 bigint after work_order_id or null, $7 int limit
-- Newest first; overdue: not done when it was due.
SELECT w.work_order_id, w.alert_id, w.incident_id, w.queue, w.crew, w.severity, w.task, w.state, w.created_by,
       w.created_at, w.due_at, w.changed_at, w.photo_url,
       w.state IN ('waiting', 'accepted', 'en_route') AND w.due_at < $5 AS overdue,
       a.device_id, d.name AS device_name, d.district_id, d.latitude, d.longitude, a.summary ->> 'text' AS text
  FROM work_order AS w
  JOIN alert AS a USING (alert_id)
  LEFT JOIN device AS d USING (device_id)
 WHERE ($1::bigint IS NULL OR w.work_order_id = $1)
   AND ($2::text IS NULL OR w.queue = $2)
   AND ($3::text IS NULL OR w.state = $3)
   AND ($4::boolean IS NULL OR (w.state IN ('waiting', 'accepted', 'en_route')) = $4)
   AND ($6::bigint IS NULL OR w.work_order_id < $6)
 ORDER BY w.work_order_id DESC
 LIMIT $7::int;

-- order_events --
-- $1 bigint work_order_id
SELECT event_id, at, from_state, to_state, actor, crew, note, photo_url
  FROM work_order_event
 WHERE work_order_id = $1
 ORDER BY event_id;

-- first_of_incident --
-- $1 bigint incident_id
-- The alert that stands for an incident: of the open ones the most urgent, of those the oldest.
SELECT alert_id
  FROM alert
 WHERE incident_id = $1
 ORDER BY open DESC, array_position('{CRITICAL,HIGH,MEDIUM,LOW}'::text[], severity), raised_at, alert_id
 LIMIT 1;
