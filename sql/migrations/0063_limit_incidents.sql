-- Incidents and device clocks, as an account limited to districts or domains sees them: see 0062.
SELECT limit_rows('incident', $$EXISTS (SELECT FROM alert AS a WHERE a.incident_id = incident.incident_id)$$),
       limit_rows('device_clock', $$EXISTS (SELECT FROM device AS d WHERE d.device_id = device_clock.device_id)$$);
