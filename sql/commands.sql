-- add_command --
-- $1 uuid command_id, $2 text device_id, $3 text name, $4 jsonb arguments, $5 text route, $6 timestamptz now,
-- $7 text actor, $8 timestamptz expires_at
INSERT INTO command (command_id, device_id, name, arguments, route, created_at, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- announce_command --
SELECT pg_notify('citywatch_command', '');

-- profile_of --
-- $1 text device_id
SELECT profile FROM device WHERE device_id = $1;

-- queued_commands --
-- $1 timestamptz now, $2 int limit
SELECT command_id, device_id, name, arguments, route, expires_at
  FROM command
 WHERE state = 'queued' AND expires_at > $1::timestamptz
 ORDER BY created_at
 LIMIT $2::int;

-- move_command --
-- $1 uuid command_id, $2 text device_id, $3 text state, $4 timestamptz now, $5 jsonb result or null, $6 text reason
-- Only forwards: an end is an end, and what was acknowledged is not sent again. Returns whether it moved.
UPDATE command
   SET state = $3::text,
       sent_at = CASE WHEN $3 = 'sent' THEN $4::timestamptz ELSE sent_at END,
       acknowledged_at = CASE WHEN $3 IN ('acknowledged', 'done') THEN coalesce(acknowledged_at, $4) ELSE acknowledged_at END,
       ended_at = CASE WHEN $3 IN ('done', 'failed') THEN $4 ELSE ended_at END,
       result = coalesce($5::jsonb, result),
       reason = $6::text
 WHERE command_id = $1::uuid AND device_id = $2::text
   AND array_position(ARRAY['queued', 'sent', 'acknowledged', 'done'], state)
       < array_position(ARRAY['queued', 'sent', 'acknowledged', 'done', 'failed'], $3)
   AND state <> 'done'
RETURNING true;

-- expire_commands --
-- $1 timestamptz now
UPDATE command
   SET state = 'expired', ended_at = $1::timestamptz,
       reason = CASE state WHEN 'queued' THEN 'it could not be sent in time'
                           WHEN 'sent' THEN 'the device did not answer in time'
                           ELSE 'the device did not finish in time' END
 WHERE state IN ('queued', 'sent', 'acknowledged') AND expires_at <= $1::timestamptz
RETURNING command_id, device_id;

-- commands --
-- $1 text device_id or null, $2 text state or null, $3 uuid command_id or null, $4 timestamptz and $5 uuid: created
-- before these, or null; $6 int limit
SELECT command_id, device_id, name, arguments, route, state, created_at, created_by, expires_at, sent_at,
       acknowledged_at, ended_at, result, reason
  FROM command
 WHERE ($1::text IS NULL OR device_id = $1) AND ($2::text IS NULL OR state = $2)
   AND ($3::uuid IS NULL OR command_id = $3)
   AND ($4::timestamptz IS NULL OR (created_at, command_id) < ($4, $5::uuid))
 ORDER BY created_at DESC, command_id DESC
 LIMIT $6::int;
