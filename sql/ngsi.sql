-- entities --
-- $1 text[] domains, $2 text[] properties as domain/property, $3 device_id or null, $4 limit, $5 offset
-- Devices with the latest value of each property, where it may be used. A model that needs a place or an observation
-- has only devices that have one: containers and air stations need a place, traffic and air an observation.
SELECT d.device_id, d.name, d.domain, d.longitude, d.latitude, d.expected_interval, coalesce(l.latest, '{}') AS latest
  FROM device AS d
  LEFT JOIN LATERAL (
       SELECT jsonb_object_agg(t.property, jsonb_build_array(
                  o.result, to_char(o.phenomenon_time, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) AS latest
         FROM datastream AS t JOIN latest_observation AS o USING (datastream_id)
        WHERE t.device_id = d.device_id AND d.domain || '/' || t.property = ANY ($2::text[])
          AND usable(o.quality, o.result)) AS l ON true
 WHERE d.domain = ANY ($1::text[])
   AND ($3::text IS NULL OR d.device_id = $3)
   AND (d.domain = 'traffic' OR d.longitude IS NOT NULL AND d.latitude IS NOT NULL)
   AND (d.domain = 'waste' OR l.latest IS NOT NULL)
 ORDER BY d.domain DESC, d.device_id
 LIMIT $4::int OFFSET $5::int;

-- entity_count --
-- $1 text[] domains, $2 text[] properties as domain/property: how many `entities` there are in all.
SELECT count(*)
  FROM device AS d
 WHERE d.domain = ANY ($1::text[])
   AND (d.domain = 'traffic' OR d.longitude IS NOT NULL AND d.latitude IS NOT NULL)
   AND (d.domain = 'waste' OR EXISTS (
        SELECT FROM datastream AS t JOIN latest_observation AS o USING (datastream_id)
         WHERE t.device_id = d.device_id AND d.domain || '/' || t.property = ANY ($2::text[])
           AND usable(o.quality, o.result)));

-- past --
-- $1 device_id, $2 text[] properties, $3 since, $4 before, $5 int values of each property, the newest.
SELECT t.property, o.result, to_char(o.phenomenon_time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at
  FROM datastream AS t
 CROSS JOIN LATERAL (
       SELECT phenomenon_time, result
         FROM observation
        WHERE datastream_id = t.datastream_id AND phenomenon_time >= $3 AND phenomenon_time < $4
          AND usable(quality, result)
        ORDER BY phenomenon_time DESC
        LIMIT $5::int) AS o
 WHERE t.device_id = $1 AND t.property = ANY ($2::text[])
 ORDER BY t.property, o.phenomenon_time;
