-- partitions --
-- Plain: the weeks of observations. `correlation` is 1 where rows lie in the order of their datastreams; late rows
-- lower it, which ANALYZE notices. Null: one datastream, or never looked at.
SELECT c.relname::text AS name, pg_total_relation_size(c.oid) AS bytes,
       x.indisclustered AND coalesce(s.correlation, 1) >= 0.9 AS packed
  FROM pg_inherits AS i
  JOIN pg_class AS c ON c.oid = i.inhrelid
  JOIN pg_index AS x ON x.indrelid = c.oid AND x.indisprimary
  LEFT JOIN pg_stats AS s
    ON s.schemaname = current_schema() AND s.tablename = c.relname AND s.attname = 'datastream_id'
 WHERE i.inhparent = 'observation'::regclass
 ORDER BY c.relname;
