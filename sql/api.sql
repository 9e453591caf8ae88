-- districts --
-- All districts, by name.
SELECT district_id, name, population, polygon FROM district ORDER BY name, district_id;

-- districts_tag --
-- Changes when any district does: for the ETag.
SELECT coalesce(md5(string_agg(md5(d::text), '' ORDER BY d.district_id)), 'none') FROM district AS d;

-- sites --
-- All sites, by name.
SELECT site_id, name, district_id, latitude, longitude FROM site ORDER BY name, site_id;

-- sources --
-- Each source of time with its now and how many devices go by it.
SELECT s.source_id, s.kind, source_now(s.kind, s.clock) AS clock, count(d.device_id) AS devices
  FROM source AS s LEFT JOIN device AS d USING (source_id)
 GROUP BY s.source_id
 ORDER BY s.source_id;

-- devices --
-- $1 domain, $2 district_id, $3 profile, $4 freshness, $5 source_id: null for any
-- $6 float8[] west, south, east, north, or null; $7 text after this device_id; $8 int limit; $9 text device_id or null
SELECT d.device_id, d.name, d.profile, d.domain, d.site_id, d.district_id, d.latitude, d.longitude, d.source_id,
       extract(epoch FROM d.expected_interval)::float8 AS expected_interval_seconds,
       l.last_time, f.freshness, a.worst_severity,
       presence(l.last_time, source_now(s.kind, s.clock), coalesce(p.learned_interval, d.expected_interval),
                CASE WHEN s.kind = 'live' THEN p.link END, p.link_at, coalesce(p.link_changes, '{}')) AS presence,
       p.link, p.link_at, extract(epoch FROM p.learned_interval)::float8 AS learned_interval_seconds, d.tags, d.version
  FROM device AS d
  JOIN source AS s USING (source_id)
  LEFT JOIN device_presence AS p USING (device_id)
  LEFT JOIN LATERAL (
       SELECT max(o.phenomenon_time) AS last_time
         FROM datastream AS t JOIN latest_observation AS o USING (datastream_id)
        WHERE t.device_id = d.device_id AND t.method IS NULL) AS l ON true
 CROSS JOIN LATERAL (
       SELECT freshness(l.last_time, source_now(s.kind, s.clock), d.expected_interval) AS freshness) AS f
  LEFT JOIN (
       SELECT device_id, (array_agg(severity ORDER BY severity_rank(severity) DESC))[1] AS worst_severity
         FROM alert
        WHERE open
        GROUP BY device_id) AS a USING (device_id)
 WHERE ($1::text IS NULL OR d.domain = $1)
   AND ($2::text IS NULL OR d.district_id = $2)
   AND ($3::text IS NULL OR d.profile = $3)
   AND ($4::text IS NULL OR f.freshness = $4)
   AND ($5::text IS NULL OR d.source_id = $5)
   AND ($6::float8[] IS NULL
        OR point(d.longitude, d.latitude) <@ box(
             point(($6)[1], ($6)[2]), point(CASE WHEN ($6)[1] <= ($6)[3] THEN ($6)[3] ELSE 180 END, ($6)[4]))
        OR ($6)[1] > ($6)[3]
           AND point(d.longitude, d.latitude) <@ box(point(-180, ($6)[2]), point(($6)[3], ($6)[4])))
   AND ($7::text IS NULL OR d.device_id > $7)
   AND ($9::text IS NULL OR d.device_id = $9)
 ORDER BY d.device_id
 LIMIT $8::int;

-- datastreams --
-- $1 device_id, $2 property, $3 domain, $4 district_id: null for any; $5 text[] after device_id and property; $6 limit
SELECT t.datastream_id, t.device_id, t.property, t.unit, t.published
  FROM datastream AS t JOIN device AS d USING (device_id)
 WHERE ($1::text IS NULL OR t.device_id = $1)
   AND ($2::text IS NULL OR t.property = $2)
   AND ($3::text IS NULL OR d.domain = $3)
   AND ($4::text IS NULL OR d.district_id = $4)
   AND ($5::text[] IS NULL OR (t.device_id, t.property) > (($5)[1], ($5)[2]))
 ORDER BY t.device_id, t.property
 LIMIT $6::int;

-- datastream_now --
-- $1 int datastream_id: the now of its device's source, and how often it should report.
SELECT source_now(s.kind, s.clock) AS now, d.expected_interval, t.device_id, t.property, t.unit
  FROM datastream AS t JOIN device AS d USING (device_id) JOIN source AS s USING (source_id)
 WHERE t.datastream_id = $1;

-- raw_rows --
-- $1 int datastream_id, $2 since, $3 until, $4 limit: how many rows lie there, counted up to the limit.
SELECT count(*)
  FROM (SELECT FROM observation
         WHERE datastream_id = $1 AND phenomenon_time >= $2 AND phenomenon_time < $3
         LIMIT $4::int) AS few;

-- rollup_rows --
-- $1 int datastream_id, $2 since, $3 until, $4 limit: the same of a rollup; another's name is put in its place.
SELECT count(*)
  FROM (SELECT FROM rollup_minute
         WHERE datastream_id = $1 AND bucket >= $2 AND bucket < $3
         LIMIT $4::int) AS few;

-- latest --
-- $1 text[] device_ids, $2 property, $3 domain, $4 district_id: null for any
-- The items as JSON text, comma separated: written here, because turning 20,000 rows into objects and those into text
-- again takes longer than everything else. What needs escaping comes from to_json. One concat is a third faster than a
-- chain of ||, and the bounds of usable() stand here by themselves, for the same reason.
WITH kind AS (
     SELECT property, unit, ',"property":' || to_json(property) || ',"unit":' || to_json(unit) AS text
       FROM (SELECT DISTINCT property, unit FROM datastream) AS pair)
SELECT string_agg(
           concat('{"datastream_id":', t.datastream_id, ',"device_id":"', t.device_id, '"', k.text,
                  ',"phenomenon_time":', coalesce(to_json(o.phenomenon_time)::text, 'null'),
                  ',"received_at":', coalesce(to_json(o.received_at)::text, 'null'),
                  ',"result":', CASE WHEN o.result BETWEEN -1e100 AND 1e100 THEN o.result::text ELSE 'null' END,
                  ',"quality":', coalesce(o.quality::text, 'null'), '}'), ',')
  FROM datastream AS t
  JOIN device AS d USING (device_id)
  JOIN kind AS k USING (property, unit)
  LEFT JOIN latest_observation AS o USING (datastream_id)
 WHERE ($1::text[] IS NULL OR t.device_id IN (SELECT unnest($1)))
   AND ($2::text IS NULL OR t.property = $2)
   AND ($3::text IS NULL OR d.domain = $3)
   AND ($4::text IS NULL OR d.district_id = $4);

-- latest_by_device --
-- $1 text[] device_ids: for each, its latest values as JSON text, as in `latest`.
WITH kind AS (
     SELECT property, unit, ',"property":' || to_json(property) || ',"unit":' || to_json(unit) AS text
       FROM (SELECT DISTINCT property, unit FROM datastream) AS pair)
SELECT t.device_id,
       string_agg(
           concat('{"datastream_id":', t.datastream_id, ',"device_id":"', t.device_id, '"', k.text,
                  ',"phenomenon_time":', coalesce(to_json(o.phenomenon_time)::text, 'null'),
                  ',"received_at":', coalesce(to_json(o.received_at)::text, 'null'),
                  ',"result":', CASE WHEN o.result BETWEEN -1e100 AND 1e100 THEN o.result::text ELSE 'null' END,
                  ',"quality":', coalesce(o.quality::text, 'null'), '}'), ',' ORDER BY t.property)
  FROM unnest($1::text[]) AS wanted (device_id)
  JOIN datastream AS t USING (device_id)
  JOIN kind AS k USING (property, unit)
  LEFT JOIN latest_observation AS o USING (datastream_id)
 GROUP BY t.device_id;

-- latest_tag --
-- Where fold stands and which datastreams there are: while neither moves, no latest value can have changed.
SELECT concat_ws('.', (SELECT seq FROM consumer_position WHERE consumer = 'fold'),
                 (SELECT max(datastream_id) FROM datastream), (SELECT count(*) FROM device));

-- latest_changed --
-- $1 bigint after this seq, $2 bigint up to this one, $3 limit: latest values that fold has touched in between.
-- What is derived comes also while the device is silent: it says nothing about when that was heard.
WITH changed AS (
     SELECT DISTINCT unnest(b.datastream_id) AS datastream_id
       FROM ingest_batch AS b
      WHERE b.seq > $1 AND b.seq <= $2)
SELECT t.datastream_id, t.device_id, t.property, t.unit, o.phenomenon_time, o.received_at, o.result, o.quality,
       t.method IS NOT NULL AS derived, d.domain, d.district_id, d.latitude, d.longitude
  FROM changed
  JOIN latest_observation AS o USING (datastream_id)
  JOIN datastream AS t USING (datastream_id)
  JOIN device AS d USING (device_id)
 ORDER BY t.device_id, t.property
 LIMIT $3::int;

-- fold_position --
-- How far fold has come; null before its first batch.
SELECT seq FROM consumer_position WHERE consumer = 'fold';

-- alerts --
-- $1 bool open, $2 severity, $3 domain, $4 device_id, $5 district_id, $6 rule_id, $7 text[] states: null for any
-- $8 timestamptz and $9 bigint: older than this raised_at and alert_id; $10 int limit; $11 bigint[] alert_ids or null
-- $12 source_id or null: what is about no device is of the live city
-- An alert about a district lies in it. An alert that late readings showed never to have been is given only where asked
-- for by number.
SELECT a.alert_id, a.rule_id, a.rule_version, a.device_id, d.name AS device_name,
       coalesce(d.district_id, substring(a.area FROM '^district:([^@]+)')) AS district_id, d.domain, d.source_id,
       a.datastream_id, t.property, a.severity, a.state, a.open, a.silent,
       a.summary ->> 'message' AS message, coalesce(a.summary -> 'parameters', '{}') AS parameters,
       coalesce(a.summary ->> 'text', '') AS text,
       a.raised_at, a.recorded_at, a.cleared_at, a.acknowledged_at, a.acknowledged_by,
       a.assigned_to, a.latched, a.retracted_at, a.incident_id,
       coalesce(v.definition ->> 'title', a.rule_id) AS rule_title,
       (SELECT v.until FROM shelving AS v WHERE v.alert_key = a.alert_key AND v.ended_at IS NULL) AS shelved_until
  FROM alert AS a
  LEFT JOIN device AS d USING (device_id)
  LEFT JOIN datastream AS t USING (datastream_id)
  LEFT JOIN rule_version AS v ON (v.rule_id, v.version) = (a.rule_id, a.rule_version)
 WHERE ($1::boolean IS NULL OR a.open = $1)
   AND ($2::text IS NULL OR a.severity = $2)
   AND ($3::text IS NULL OR d.domain = $3)
   AND ($4::text IS NULL OR a.device_id = $4)
   AND ($5::text IS NULL OR coalesce(d.district_id, substring(a.area FROM '^district:([^@]+)')) = $5)
   AND ($6::text IS NULL OR a.rule_id = $6)
   AND ($7::text[] IS NULL OR a.state = ANY ($7))
   AND ($12::text IS NULL OR coalesce(d.source_id, 'live') = $12)
   AND ($8::timestamptz IS NULL OR (a.raised_at, a.alert_id) < ($8, $9::bigint))
   AND ($11::bigint[] IS NULL AND a.retracted_at IS NULL OR a.alert_id = ANY ($11))
 ORDER BY a.raised_at DESC, a.alert_id DESC
 LIMIT $10::int;

-- alert_exists --
-- $1 alert_id
SELECT EXISTS (SELECT FROM alert WHERE alert_id = $1);

-- alert_inputs --
-- $1 alert_id: what the verdict was made from, and the rule version that fired.
SELECT a.inputs, coalesce(v.definition, '{}') AS definition
  FROM alert AS a
  LEFT JOIN rule_version AS v ON (v.rule_id, v.version) = (a.rule_id, a.rule_version)
 WHERE a.alert_id = $1;

-- alert_events --
-- $1 alert_id: its journal, oldest first.
SELECT event_id, at, recorded_at, kind, from_state, to_state, actor, comment
  FROM alert_event
 WHERE alert_id = $1
 ORDER BY event_id;

-- rules --
-- $1 rule_id or null: each rule in its present version. Its open alerts are those of no device and of the source with
-- the most devices, as on the overview: nobody is to act upon those of a replay beside the live city.
WITH main AS (
     SELECT s.source_id
       FROM source AS s LEFT JOIN device AS d USING (source_id)
      GROUP BY s.source_id
      ORDER BY count(d.device_id) DESC, s.source_id
      LIMIT 1)
SELECT r.rule_id, r.version, r.enabled, r.updated_at, v.author, v.definition,
       (SELECT count(*)
          FROM alert AS a
          LEFT JOIN device AS d USING (device_id)
         WHERE a.rule_id = r.rule_id AND a.open AND a.retracted_at IS NULL
           AND (a.device_id IS NULL OR d.source_id = (SELECT source_id FROM main))) AS open_alerts
  FROM rule AS r JOIN rule_version AS v USING (rule_id, version)
 WHERE $1::text IS NULL OR r.rule_id = $1
 ORDER BY r.rule_id;

-- account --
-- $1 device_id or null, $2 since, $3 until (null: open), $4 bool by hour, $5 text after device_id,
-- $6 timestamptz after hour, $7 limit
WITH sums AS (
     SELECT device_id, CASE WHEN $4 THEN hour END AS hour,
            sum(received)::bigint AS received, sum(accepted)::bigint AS accepted, sum(rejected)::bigint AS rejected,
            sum(readings)::bigint AS readings, sum(stored)::bigint AS stored, sum(duplicate)::bigint AS duplicate,
            sum(refused)::bigint AS refused
       FROM delivery_account
      WHERE ($1::text IS NULL OR device_id = $1)
        AND ($2::timestamptz IS NULL OR hour >= $2)
        AND ($3::timestamptz IS NULL OR hour < $3)
        AND ($5::text IS NULL OR device_id > $5 OR $4 AND device_id = $5 AND hour > $6::timestamptz)
      GROUP BY 1, 2)
SELECT *, received = accepted + rejected AND readings = stored + duplicate + refused AS closes
  FROM sums
 ORDER BY device_id, hour
 LIMIT $7::int;

-- account_total --
-- $1 device_id or null, $2 since, $3 until (null: open)
WITH sums AS (
     SELECT coalesce(sum(received), 0)::bigint AS received, coalesce(sum(accepted), 0)::bigint AS accepted,
            coalesce(sum(rejected), 0)::bigint AS rejected, coalesce(sum(readings), 0)::bigint AS readings,
            coalesce(sum(stored), 0)::bigint AS stored, coalesce(sum(duplicate), 0)::bigint AS duplicate,
            coalesce(sum(refused), 0)::bigint AS refused
       FROM delivery_account
      WHERE ($1::text IS NULL OR device_id = $1)
        AND ($2::timestamptz IS NULL OR hour >= $2)
        AND ($3::timestamptz IS NULL OR hour < $3))
SELECT *, received = accepted + rejected AND readings = stored + duplicate + refused AS closes FROM sums;

-- rejected --
-- $1 device_id, $2 reason, $3 fate: null for any; $4 since, $5 until; $6 bigint below this rejected_id; $7 limit
SELECT rejected_id, received_at, fate, reason, detail, device_id, topic,
       substring(payload FOR 16000) AS payload, length(payload) AS payload_size
  FROM rejected_message
 WHERE ($1::text IS NULL OR device_id = $1)
   AND ($2::text IS NULL OR reason = $2)
   AND ($3::text IS NULL OR fate = $3)
   AND ($4::timestamptz IS NULL OR received_at >= $4)
   AND ($5::timestamptz IS NULL OR received_at < $5)
   AND ($6::bigint IS NULL OR rejected_id < $6)
 ORDER BY rejected_id DESC
 LIMIT $7::int;

-- rejected_reasons --
-- $1 device_id: null for any; $2 since, $3 until; $4 int most
-- Of the newest, how many were turned away why: a flood of days would take minutes to count.
SELECT fate, reason, count(*) AS messages, max(received_at) AS newest_at
  FROM (SELECT fate, reason, received_at
          FROM rejected_message
         WHERE ($1::text IS NULL OR device_id = $1)
           AND ($2::timestamptz IS NULL OR received_at >= $2)
           AND ($3::timestamptz IS NULL OR received_at < $3)
         ORDER BY received_at DESC
         LIMIT $4::int) AS newest
 GROUP BY fate, reason
 ORDER BY messages DESC, fate, reason;

-- device_counts --
-- $1 text source_id, null for any
-- How many devices are in each state of freshness, by district (null: none).
SELECT d.district_id, freshness(l.last_time, source_now(s.kind, s.clock), d.expected_interval) AS freshness, count(*)
  FROM device AS d
  JOIN source AS s USING (source_id)
  LEFT JOIN (
       SELECT t.device_id, max(o.phenomenon_time) AS last_time
         FROM datastream AS t JOIN latest_observation AS o USING (datastream_id)
        WHERE t.method IS NULL
        GROUP BY t.device_id) AS l USING (device_id)
 WHERE $1::text IS NULL OR d.source_id = $1
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- open_alerts_by_district --
-- $1 source_id: open alerts by district (null: none) and severity; as in `alerts`, one about a district lies in it, and
-- what is about no device is of the live city.
SELECT coalesce(d.district_id, substring(a.area FROM '^district:([^@]+)')) AS district_id, a.severity, count(*)
  FROM alert AS a
  LEFT JOIN device AS d USING (device_id)
 WHERE a.open AND a.retracted_at IS NULL AND coalesce(d.source_id, 'live') = $1
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- open_alert_counts --
-- Open alerts by severity.
SELECT severity, count(*) FROM alert WHERE open GROUP BY severity;

-- main_source --
-- The source with the most devices: the time base of the overview's figures.
SELECT s.source_id, source_now(s.kind, s.clock) AS now
  FROM source AS s LEFT JOIN device AS d USING (source_id)
 GROUP BY s.source_id
 ORDER BY count(d.device_id) DESC, s.source_id
 LIMIT 1;

-- figure_hours --
-- $1 source_id, $2 timestamptz first hour, $3 timestamptz after the last hour, $4 text[] properties
-- Per property and hour over the devices of one source: mean over datastreams of their hourly means, how many
-- reported, and how many ended the hour at or above 80 (for fill levels).
SELECT t.property, r.bucket, avg(r.sum / r.n) AS mean, count(*) AS reporting,
       count(*) FILTER (WHERE r.last >= 80) AS at_least_80
  FROM rollup_hour AS r
  JOIN datastream AS t USING (datastream_id)
  JOIN device AS d USING (device_id)
 WHERE d.source_id = $1 AND r.bucket >= $2 AND r.bucket < $3 AND t.property = ANY ($4::text[]) AND r.n > 0
 GROUP BY t.property, r.bucket;

-- figure_now --
-- $1 source_id, $2 text[] properties: the same from the latest trusted values of devices that are fresh.
SELECT t.property, avg(o.result) AS mean, count(*) AS reporting, count(*) FILTER (WHERE o.result >= 80) AS at_least_80
  FROM latest_observation AS o
  JOIN datastream AS t USING (datastream_id)
  JOIN device AS d USING (device_id)
  JOIN source AS s USING (source_id)
 WHERE d.source_id = $1 AND t.property = ANY ($2::text[]) AND o.result IS NOT NULL AND o.quality <= 3
   AND freshness(o.phenomenon_time, source_now(s.kind, s.clock), d.expected_interval) = 'fresh'
 GROUP BY t.property;

-- connected_processes --
-- Names of our processes that hold a connection to this database now.
SELECT DISTINCT substr(application_name, 11) AS name
  FROM pg_stat_activity
 WHERE datname = current_database() AND application_name LIKE 'citywatch %';

-- messages_last_minute --
-- From the tail: messages of the last minute that brought at least one new reading. Counted among the newest 20,000
-- readings and reckoned from there for the whole minute: a status must not take a second to read in a flood.
WITH minute AS (
    SELECT datastream_id, received_at, size,
           sum(size) OVER (ORDER BY seq DESC) - size AS newer,
           sum(size) OVER () AS readings
      FROM ingest_batch
     WHERE at > clock_timestamp() - interval '1 minute' AND old_quality IS NULL),
newest AS (SELECT * FROM minute WHERE newer < 20000),
counted AS (
    SELECT count(DISTINCT (t.device_id, u.received_at)) AS messages
      FROM newest
     CROSS JOIN LATERAL unnest(newest.datastream_id, newest.received_at) AS u (datastream_id, received_at)
      JOIN datastream AS t ON t.datastream_id = u.datastream_id
     WHERE t.method IS NULL)
SELECT coalesce(round(messages * (SELECT max(readings)::numeric / sum(size) FROM newest)), 0)::bigint FROM counted;

-- engine_name --
SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'timescaledb') THEN 'timescale' ELSE 'plain' END;

-- schema_names --
-- Migrations applied to this database.
SELECT name FROM schema_migration ORDER BY name;

-- export_csv --
-- $1 device_id, $2 property, $3 domain, $4 district_id, $5 source_id: null for any; $6 since, $7 until (null: open)
-- By device, property and time: datastream by datastream along the key, so that nothing is sorted or held.
SELECT s.device_id, s.property, s.unit,
       to_char(o.phenomenon_time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS phenomenon_time,
       to_char(o.received_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS received_at,
       o.result, o.quality, o.tests
  FROM (SELECT t.datastream_id, t.device_id, t.property, t.unit
          FROM datastream AS t JOIN device AS d USING (device_id)
         WHERE ($1::text IS NULL OR t.device_id = $1)
           AND ($2::text IS NULL OR t.property = $2)
           AND ($3::text IS NULL OR d.domain = $3)
           AND ($4::text IS NULL OR d.district_id = $4)
           AND ($5::text IS NULL OR d.source_id = $5)
         ORDER BY t.device_id, t.property) AS s
 CROSS JOIN LATERAL (
       SELECT phenomenon_time, received_at, result, quality, tests
         FROM observation
        WHERE datastream_id = s.datastream_id
          AND phenomenon_time >= coalesce($6::timestamptz, '-infinity')
          AND phenomenon_time < coalesce($7::timestamptz, 'infinity')
        ORDER BY phenomenon_time) AS o;

-- export_streams --
-- $1 to $5 as export_csv: the datastreams that it goes through.
SELECT t.datastream_id, t.device_id, t.property, t.unit
  FROM datastream AS t JOIN device AS d USING (device_id)
 WHERE ($1::text IS NULL OR t.device_id = $1)
   AND ($2::text IS NULL OR t.property = $2)
   AND ($3::text IS NULL OR d.domain = $3)
   AND ($4::text IS NULL OR d.district_id = $4)
   AND ($5::text IS NULL OR d.source_id = $5);

-- export_binary --
-- Parameters and order as export_csv, every row of one width: a result that is missing is told beside.
SELECT s.datastream_id, o.phenomenon_time, o.received_at, coalesce(o.result, 'NaN') AS result,
       o.result IS NULL AS absent, o.quality, o.tests
  FROM (SELECT t.datastream_id, t.device_id, t.property
          FROM datastream AS t JOIN device AS d USING (device_id)
         WHERE ($1::text IS NULL OR t.device_id = $1)
           AND ($2::text IS NULL OR t.property = $2)
           AND ($3::text IS NULL OR d.domain = $3)
           AND ($4::text IS NULL OR d.district_id = $4)
           AND ($5::text IS NULL OR d.source_id = $5)
         ORDER BY t.device_id, t.property) AS s
 CROSS JOIN LATERAL (
       SELECT phenomenon_time, received_at, result, quality, tests
         FROM observation
        WHERE datastream_id = s.datastream_id
          AND phenomenon_time >= coalesce($6::timestamptz, '-infinity')
          AND phenomenon_time < coalesce($7::timestamptz, 'infinity')
        ORDER BY phenomenon_time) AS o;

-- export_days --
-- $1 to $7 as export_csv: each domain and day (UTC) that has observations, by the key, a day at a time.
WITH RECURSIVE wanted AS (
     SELECT t.datastream_id, d.domain
       FROM datastream AS t JOIN device AS d USING (device_id)
      WHERE ($1::text IS NULL OR t.device_id = $1)
        AND ($2::text IS NULL OR t.property = $2)
        AND ($3::text IS NULL OR d.domain = $3)
        AND ($4::text IS NULL OR d.district_id = $4)
        AND ($5::text IS NULL OR d.source_id = $5)
), day AS (
     SELECT w.datastream_id, w.domain, n.at
       FROM wanted AS w
      CROSS JOIN LATERAL (
            SELECT date_trunc('day', o.phenomenon_time, 'UTC') AS at
              FROM observation AS o
             WHERE o.datastream_id = w.datastream_id
               AND o.phenomenon_time >= coalesce($6::timestamptz, '-infinity')
               AND o.phenomenon_time < coalesce($7::timestamptz, 'infinity')
             ORDER BY o.phenomenon_time
             LIMIT 1) AS n
     UNION ALL
     SELECT d.datastream_id, d.domain, n.at
       FROM day AS d
      CROSS JOIN LATERAL (
            SELECT date_trunc('day', o.phenomenon_time, 'UTC') AS at
              FROM observation AS o
             WHERE o.datastream_id = d.datastream_id
               AND o.phenomenon_time >= d.at + interval '1 day'
               AND o.phenomenon_time < coalesce($7::timestamptz, 'infinity')
             ORDER BY o.phenomenon_time
             LIMIT 1) AS n)
SELECT DISTINCT domain, at FROM day ORDER BY domain, at;

-- export_geojson --
-- Parameters and order as export_csv: one GeoJSON feature a row, as text. A device without a place has no geometry.
SELECT json_build_object(
           'type', 'Feature',
           'geometry', CASE WHEN s.longitude IS NOT NULL AND s.latitude IS NOT NULL
                            THEN json_build_object('type', 'Point',
                                                   'coordinates', json_build_array(s.longitude, s.latitude)) END,
           'properties', json_build_object(
               'device_id', s.device_id, 'property', s.property, 'unit', s.unit,
               'phenomenon_time', to_char(o.phenomenon_time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'result', CASE WHEN usable(1::smallint, o.result) THEN o.result END,
               'quality', o.quality, 'tests', o.tests))::text
  FROM (SELECT t.datastream_id, t.device_id, t.property, t.unit, d.longitude, d.latitude
          FROM datastream AS t JOIN device AS d USING (device_id)
         WHERE ($1::text IS NULL OR t.device_id = $1)
           AND ($2::text IS NULL OR t.property = $2)
           AND ($3::text IS NULL OR d.domain = $3)
           AND ($4::text IS NULL OR d.district_id = $4)
           AND ($5::text IS NULL OR d.source_id = $5)
         ORDER BY t.device_id, t.property) AS s
 CROSS JOIN LATERAL (
       SELECT phenomenon_time, result, quality, tests
         FROM observation
        WHERE datastream_id = s.datastream_id
          AND phenomenon_time >= coalesce($6::timestamptz, '-infinity')
          AND phenomenon_time < coalesce($7::timestamptz, 'infinity')
        ORDER BY phenomenon_time) AS o;

-- lift_timeout --
-- For the length of this transaction: an export takes as long as its reader.
SET LOCAL statement_timeout = 0;
