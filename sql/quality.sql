-- What is wrong with the measuring itself.

-- flag_runs --
-- $1 timestamptz since, $2 timestamptz until or null, $3 device_id, $4 property: null for any,
-- $5 interval that ends a stretch, $6 timestamptz and $7 int: after this began_at and datastream_id, $8 int limit
-- Stretches of readings flagged SUSPECT or FAIL, or whose time was not their own (test bit 1).
WITH flagged AS (
     SELECT o.datastream_id, o.phenomenon_time, o.quality, o.tests,
            o.phenomenon_time - lag(o.phenomenon_time) OVER (PARTITION BY o.datastream_id ORDER BY o.phenomenon_time)
              AS pause
       FROM observation AS o
      WHERE o.phenomenon_time >= $1 AND ($2::timestamptz IS NULL OR o.phenomenon_time < $2)
        AND (o.quality IN (3, 4) OR o.tests & 1 <> 0)
        AND ($3::text IS NULL AND $4::text IS NULL OR o.datastream_id IN (
             SELECT datastream_id FROM datastream
              WHERE ($3::text IS NULL OR device_id = $3) AND ($4::text IS NULL OR property = $4)))),
numbered AS (
     SELECT *, count(*) FILTER (WHERE pause IS NULL OR pause > $5::interval)
                 OVER (PARTITION BY datastream_id ORDER BY phenomenon_time) AS run
       FROM flagged),
runs AS (
     SELECT datastream_id, min(phenomenon_time) AS began_at, max(phenomenon_time) AS ended_at,
            count(*) AS readings, max(quality) FILTER (WHERE quality <> 9) AS worst, bit_or(tests) AS tests
       FROM numbered
      GROUP BY datastream_id, run)
SELECT r.datastream_id, t.device_id, t.property, r.began_at, r.ended_at, r.readings, coalesce(r.worst, 1) AS worst,
       r.tests
  FROM runs AS r JOIN datastream AS t USING (datastream_id)
 WHERE $6::timestamptz IS NULL OR (r.began_at, r.datastream_id) > ($6, $7::int)
 ORDER BY r.began_at, r.datastream_id
 LIMIT $8::int;

-- clocks --
SELECT device_id, kind, offset_seconds, corrected, noticed_at
  FROM device_clock
 ORDER BY device_id;
