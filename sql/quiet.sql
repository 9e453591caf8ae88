-- to_take_out --
-- $1 timestamptz now
-- Open alerts that are not quiet although somebody works on what they are about.
SELECT DISTINCT ON (a.alert_id) a.alert_id, w.reason, w.actor
  FROM alert AS a
  LEFT JOIN device AS d USING (device_id)
  JOIN maintenance_window AS w
    ON w.starts_at <= $1 AND $1 < w.ends_at
   AND (w.device_id = a.device_id OR w.site_id = d.site_id OR w.district_id = d.district_id
        OR d.tags ->> split_part(w.tag, ':', 1) = substr(w.tag, strpos(w.tag, ':') + 1)
        OR a.area IN (w.tag, 'district:' || w.district_id, 'site:' || w.site_id))
 WHERE a.open AND a.state NOT IN ('shelved', 'suppressed', 'out_of_service')
 ORDER BY a.alert_id, w.window_id;

-- to_return --
-- $1 timestamptz now
-- Alerts out of service on which nobody works any more.
SELECT a.alert_id
  FROM alert AS a
  LEFT JOIN device AS d USING (device_id)
 WHERE a.open AND a.state = 'out_of_service'
   AND NOT EXISTS (
       SELECT FROM maintenance_window AS w
        WHERE w.starts_at <= $1 AND $1 < w.ends_at
          AND (w.device_id = a.device_id OR w.site_id = d.site_id OR w.district_id = d.district_id
               OR d.tags ->> split_part(w.tag, ':', 1) = substr(w.tag, strpos(w.tag, ':') + 1)
               OR a.area IN (w.tag, 'district:' || w.district_id, 'site:' || w.site_id)))
 ORDER BY a.alert_id;

-- to_suppress --
-- Open alerts whose rule names another that has an alert which stands: on the same device or area, on what the device
-- hangs on, or on an area that the device lies in.
SELECT DISTINCT ON (a.alert_id) a.alert_id, s.alert_id AS by_id, s.rule_id AS by_rule
  FROM alert AS a
  JOIN rule_version AS v ON v.rule_id = a.rule_id AND v.version = a.rule_version
                        AND jsonb_array_length(coalesce(v.definition -> 'suppressed_by', '[]')) > 0
  LEFT JOIN device AS d USING (device_id)
  JOIN alert AS s
    ON s.open AND s.cleared_at IS NULL AND s.alert_id <> a.alert_id
   AND v.definition -> 'suppressed_by' ? s.rule_id
   AND (s.device_id IN (a.device_id, d.tags ->> 'gateway', d.tags ->> 'cabinet', d.tags ->> 'network')
        OR s.area IN (a.area, 'district:' || d.district_id, 'site:' || d.site_id, 'city:all')
        OR d.tags ->> split_part(s.area, ':', 1) = substr(s.area, strpos(s.area, ':') + 1))
 WHERE a.open AND a.state NOT IN ('shelved', 'suppressed', 'out_of_service')
 ORDER BY a.alert_id, s.alert_id;

-- to_restore --
-- Suppressed alerts whose reason is gone.
SELECT a.alert_id, a.suppressed_by
  FROM alert AS a
  LEFT JOIN alert AS s ON s.alert_id = a.suppressed_by
 WHERE a.open AND a.state = 'suppressed' AND (s.alert_id IS NULL OR NOT s.open OR s.cleared_at IS NOT NULL)
 ORDER BY a.alert_id;

-- set_suppressed_by --
-- $1 bigint alert_id, $2 bigint by what, or null
UPDATE alert SET suppressed_by = $2 WHERE alert_id = $1;

-- speaks --
-- $1 bigint alert_id
SELECT state = 'unacknowledged' FROM alert WHERE alert_id = $1;

-- add_window --
-- $1 text device_id, $2 text site_id, $3 text district_id, $4 text tag (one of them not null), $5 timestamptz starts_at,
-- $6 timestamptz ends_at, $7 text reason, $8 text actor
INSERT INTO maintenance_window (device_id, site_id, district_id, tag, starts_at, ends_at, reason, actor)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING window_id;

-- place_exists --
-- $1 text device_id, $2 text site_id, $3 text district_id, one of them not null
SELECT EXISTS (SELECT FROM device WHERE device_id = $1) OR EXISTS (SELECT FROM site WHERE site_id = $2)
       OR EXISTS (SELECT FROM district WHERE district_id = $3);

-- lock_window --
-- $1 bigint window_id
SELECT starts_at, ends_at FROM maintenance_window WHERE window_id = $1 FOR UPDATE;

-- end_window --
-- $1 bigint window_id, $2 timestamptz ends_at, $3 text ended_by
UPDATE maintenance_window SET ends_at = $2, ended_by = $3 WHERE window_id = $1;

-- drop_window --
-- $1 bigint window_id
DELETE FROM maintenance_window WHERE window_id = $1;

-- windows --
-- $1 timestamptz now, $2 boolean whether those that are over are wanted too, $3 int limit
SELECT window_id, device_id, site_id, district_id, tag, starts_at, ends_at, reason, actor, created_at, ended_by,
       starts_at <= $1 AND $1 < ends_at AS running
  FROM maintenance_window
 WHERE $2 OR ends_at > $1
 ORDER BY starts_at DESC, window_id DESC
 LIMIT $3;
