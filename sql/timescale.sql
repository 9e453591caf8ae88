-- chunks --
-- TimescaleDB: the weeks of observations. Packed: compressed (1), with no rows beside (8) or out of order (2).
SELECT format('%I.%I', c.chunk_schema, c.chunk_name) AS name, c.range_start AS start, c.range_end AS "end",
       size.total_bytes AS bytes, raw.status & 11 = 1 AS packed
  FROM timescaledb_information.chunks AS c
  JOIN _timescaledb_catalog.chunk AS raw ON raw.schema_name = c.chunk_schema AND raw.table_name = c.chunk_name
  JOIN chunks_detailed_size('observation') AS size
    ON size.chunk_schema = c.chunk_schema AND size.chunk_name = c.chunk_name
 WHERE c.hypertable_name = 'observation'
 ORDER BY c.range_start;
