-- tables --
-- Our tables with the columns that can be written, those of the primary key and which of these sort by a collation;
-- observations among them. What is only good for a day and lets somebody in is not backed up.
SELECT c.relname::text AS name,
       array_agg(a.attname::text ORDER BY a.attnum) AS columns,
       coalesce(x.key, '{}') AS key, coalesce(x.collated, '{}') AS collated,
       coalesce((SELECT array_agg(DISTINCT t.relname::text)
                   FROM pg_constraint AS f
                   JOIN pg_class AS t ON t.oid = f.confrelid
                  WHERE f.contype = 'f' AND f.conrelid = c.oid AND f.confrelid <> c.oid), '{}') AS needs
  FROM pg_class AS c
  LEFT JOIN LATERAL (
       SELECT array_agg(k.attname::text ORDER BY array_position(i.indkey::int2[], k.attnum)) AS key,
              array_agg(k.attname::text) FILTER (WHERE k.attcollation <> 0) AS collated
         FROM pg_index AS i
         JOIN pg_attribute AS k ON k.attrelid = i.indrelid AND k.attnum = ANY (i.indkey)
        WHERE i.indrelid = c.oid AND i.indisprimary) AS x ON true
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND c.relname NOT IN ('schema_migration', 'session', 'sign_in_flow', 'sign_in_failure', 'answered_request',
                         'credential_job_part')
 GROUP BY c.oid, c.relname, x.key, x.collated
 ORDER BY c.relname;

-- sequences --
SELECT c.relname::text AS name
  FROM pg_class AS c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
 ORDER BY c.relname;

-- set_sequence --
-- $1 text name, $2 bigint value, $3 boolean whether it was given out
SELECT setval($1::text::regclass, $2::bigint, $3::boolean);

-- migrations --
SELECT name FROM schema_migration ORDER BY name;

-- is_used --
SELECT EXISTS (SELECT FROM device) OR EXISTS (SELECT FROM ingest_batch WHERE size > 0) OR EXISTS (SELECT FROM observation);
