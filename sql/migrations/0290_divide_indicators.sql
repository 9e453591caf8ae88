-- Indicators may be divided by device, as rules are: docs/adr/0250-divided-by-device.md. Each part has its own clocks.
ALTER TABLE indicator_clock
    ADD COLUMN part int NOT NULL DEFAULT 0,
    DROP CONSTRAINT indicator_clock_pkey,
    ADD PRIMARY KEY (source_id, part);

-- How far the slowest part is, by source.
CREATE VIEW indicator_progress AS
SELECT source_id, min(clock) AS clock
  FROM indicator_clock
 GROUP BY source_id;

-- Which part of a city in so many parts a device or area belongs to; sql/share.py says the same. Not IMMUTABLE: convert_to
-- is not, and it would be called for each row in place of being inlined.
CREATE FUNCTION part_of(about text, parts int) RETURNS int
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE parts WHEN 1 THEN 0
           ELSE (get_byte(sha256(convert_to(about, 'UTF8')), 0) * 256 + get_byte(sha256(convert_to(about, 'UTF8')), 1)) % parts
           END;
