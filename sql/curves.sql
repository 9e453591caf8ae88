-- curves --
-- $1 text source_id, $2 text[] properties, $3 text domain or null for any,
-- $4 timestamptz from, $5 timestamptz to (not included)
-- The buckets of every datastream of some properties. Another rollup's name is put in place of rollup_hour.
SELECT t.datastream_id, t.device_id, t.property, t.unit, d.expected_interval,
       r.bucket AS time, r.n, r.n_good, r.n_all, r.sum, r.sin_sum, r.cos_sum, r.min, r.max
  FROM device AS d
  JOIN datastream AS t USING (device_id)
  JOIN rollup_hour AS r USING (datastream_id)
 WHERE d.source_id = $1 AND t.property = ANY ($2::text[]) AND ($3::text IS NULL OR d.domain = $3)
   AND r.bucket >= $4 AND r.bucket < $5
 ORDER BY t.datastream_id, r.bucket;

-- curves_count --
-- $1 text source_id, $2 text[] properties, $3 text domain or null for any: how many curves that asks for.
SELECT count(*)
  FROM device AS d JOIN datastream AS t USING (device_id)
 WHERE d.source_id = $1 AND t.property = ANY ($2::text[]) AND ($3::text IS NULL OR d.domain = $3);
