-- Presence and commands, as an account limited to districts or domains sees them: see 0062.
SELECT limit_rows('device_presence', $$EXISTS (SELECT FROM device AS d WHERE d.device_id = device_presence.device_id)$$),
       limit_rows('command', $$EXISTS (SELECT FROM device AS d WHERE d.device_id = command.device_id)$$);
