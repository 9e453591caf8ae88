-- Calculated datastreams: what users set, and what their formulas rest on.

-- calculations_in_force --
-- Each with the datastreams of its inputs, in the order of their names; a null id stands for one that is not there yet.
SELECT c.device_id, c.property, c.version, c.formula, c.unit, c.every,
       array_agg(i.key ORDER BY i.key) AS names,
       array_agg(t.datastream_id ORDER BY i.key) AS datastream_ids
  FROM calculation AS c
 CROSS JOIN LATERAL jsonb_each(c.inputs) AS i
  LEFT JOIN datastream AS t
    ON t.device_id = i.value ->> 'device_id' AND t.property = i.value ->> 'property'
 WHERE c.ended_at IS NULL
 GROUP BY c.device_id, c.property, c.version, c.formula, c.unit, c.every
 ORDER BY c.device_id, c.property;

-- list_calculations --
-- $1 text device_id or null, $2 boolean those that ended too
SELECT c.device_id, c.property, c.version, c.formula, c.inputs, c.unit, c.every, c.author, c.reason, c.created_at,
       c.ended_at, t.datastream_id
  FROM calculation AS c
  LEFT JOIN datastream AS t ON t.device_id = c.device_id AND t.property = c.property AND t.method IS NOT NULL
 WHERE ($1::text IS NULL OR c.device_id = $1) AND (c.ended_at IS NULL OR $2::boolean)
 ORDER BY c.device_id, c.property, c.version DESC
 LIMIT 10000;

-- lock_calculations --
-- Two who change calculations take turns, so that none becomes the input of another unseen.
LOCK TABLE calculation IN SHARE ROW EXCLUSIVE MODE;

-- find_inputs --
-- $1 text[] device_id, $2 text[] property
-- The unit of each datastream, and whether it is calculated itself.
SELECT t.device_id, t.property, t.unit, t.method,
       EXISTS (SELECT FROM calculation AS c WHERE c.device_id = t.device_id AND c.property = t.property) AS calculated
  FROM unnest($1::text[], $2::text[]) AS asked (device_id, property)
  JOIN datastream AS t USING (device_id, property);

-- calculation_uses --
-- $1 text device_id, $2 text property
-- The calculations in force that take this datastream.
SELECT c.device_id, c.property
  FROM calculation AS c
 CROSS JOIN LATERAL jsonb_each(c.inputs) AS i
 WHERE c.ended_at IS NULL AND i.value ->> 'device_id' = $1 AND i.value ->> 'property' = $2;

-- end_calculation --
-- $1 text device_id, $2 text property, $3 timestamptz now
UPDATE calculation SET ended_at = $3 WHERE device_id = $1 AND property = $2 AND ended_at IS NULL RETURNING version;

-- add_calculation --
-- $1 text device_id, $2 text property, $3 text formula, $4 jsonb inputs, $5 text unit, $6 text every, $7 text author,
-- $8 text reason, $9 timestamptz now
INSERT INTO calculation (device_id, property, version, formula, inputs, unit, every, author, reason, created_at)
SELECT $1::text, $2::text,
       1 + coalesce((SELECT max(version) FROM calculation WHERE device_id = $1 AND property = $2), 0),
       $3::text, $4::jsonb, $5::text, $6::text, $7::text, $8::text, $9::timestamptz
RETURNING version;

-- calculated_device --
-- $1 text device_id
SELECT count(*) FROM device WHERE device_id = $1;

-- period_sums --
-- $1 int[] datastream_id, $2 timestamptz[] bucket. For the other widths the caller puts the rollup's name in place of
-- rollup_quarter.
SELECT r.datastream_id, r.bucket, r.n, r.n_good, r.sum
  FROM unnest($1::int[], $2::timestamptz[]) AS w (datastream_id, bucket)
  JOIN rollup_quarter AS r USING (datastream_id, bucket)
 WHERE r.n > 0;

-- ask_again_calculated --
-- $1 timestamptz since, $2 timestamptz until (not included), $3 timestamptz wall clock
INSERT INTO indicator_due (device_id, kind, due_at, complete_at, again)
SELECT DISTINCT c.device_id, 'calc_' || c.every, due.at, due.at, true
  FROM calculation AS c
 CROSS JOIN LATERAL (SELECT CASE c.every WHEN 'quarter' THEN interval '15 minutes' WHEN 'hour' THEN interval '1 hour'
                                         ELSE interval '1 day' END AS width) AS w
 CROSS JOIN LATERAL jsonb_each(c.inputs) AS i
  JOIN datastream AS t ON t.device_id = i.value ->> 'device_id' AND t.property = i.value ->> 'property'
  JOIN rollup_quarter AS r ON r.datastream_id = t.datastream_id
 CROSS JOIN LATERAL (SELECT time_bucket(w.width, r.bucket) + w.width AS at) AS due
  JOIN device AS d ON d.device_id = c.device_id
  JOIN source AS s USING (source_id)
  LEFT JOIN indicator_progress AS k USING (source_id)
 WHERE c.ended_at IS NULL
   AND r.bucket >= $1::timestamptz - w.width AND r.bucket < $2::timestamptz
   AND due.at >= $1 AND due.at < $2
   AND due.at <= CASE s.kind WHEN 'live' THEN $3::timestamptz ELSE k.clock END
    ON CONFLICT (device_id, kind, due_at) DO NOTHING;
