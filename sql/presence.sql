-- note_links --
-- $1 text[] device_id, $2 text[] link, $3 timestamptz now
-- Each device's newest word. What says the same again (a retained message at every start) changes nothing.
INSERT INTO device_presence AS p (device_id, link, link_at, link_changes)
SELECT new.device_id, new.link, $3::timestamptz, ARRAY[$3::timestamptz]
  FROM unnest($1::text[], $2::text[]) AS new (device_id, link)
 WHERE EXISTS (SELECT 1 FROM device WHERE device.device_id = new.device_id)
 ORDER BY new.device_id
    ON CONFLICT (device_id) DO UPDATE
   SET link = EXCLUDED.link, link_at = EXCLUDED.link_at,
       link_changes = (p.link_changes || EXCLUDED.link_changes)[greatest(1, cardinality(p.link_changes) - 8):]
 WHERE p.link IS DISTINCT FROM EXCLUDED.link;

-- learn_intervals --
-- $1 timestamptz now
-- The median distance of a device's last twenty times, where there are at least six: how often it really sends.
INSERT INTO device_presence (device_id, learned_interval, learned_at)
SELECT s.device_id, learned.every, $1::timestamptz
  FROM (SELECT device_id, min(datastream_id) AS datastream_id FROM datastream WHERE method IS NULL GROUP BY 1) AS s
 CROSS JOIN LATERAL (
       SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS every, count(gap) AS gaps
         FROM (SELECT phenomenon_time - lag(phenomenon_time) OVER (ORDER BY phenomenon_time) AS gap
                 FROM (SELECT phenomenon_time
                         FROM observation
                        WHERE datastream_id = s.datastream_id AND phenomenon_time > $1::timestamptz - interval '60 days'
                        ORDER BY phenomenon_time DESC
                        LIMIT 20) AS last) AS gaps) AS learned
 WHERE learned.gaps >= 5 AND learned.every > '0'
    ON CONFLICT (device_id) DO UPDATE
   SET learned_interval = EXCLUDED.learned_interval, learned_at = EXCLUDED.learned_at;
