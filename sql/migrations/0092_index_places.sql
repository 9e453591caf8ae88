-- Devices by place: boxes and nearest neighbours without PostGIS.
CREATE INDEX device_by_place ON device USING gist (point(longitude, latitude));

-- Metres along the great circle between two places in degrees.
CREATE FUNCTION analytics.metres(longitude float8, latitude float8, longitude2 float8, latitude2 float8) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT 2 * 6371008.8 * asin(least(1, sqrt(
                 sind((latitude2 - latitude) / 2) ^ 2
                 + cosd(latitude) * cosd(latitude2) * sind((longitude2 - longitude) / 2) ^ 2))) $$;

-- The index knows degrees, and a degree of longitude is shorter than one of latitude. So the `n` nearest by degrees
-- are a first guess: whoever is nearer than the farthest of them lies in the box around that distance. It does not look
-- across the date line.
CREATE FUNCTION analytics.nearest(longitude float8, latitude float8, n int)
    RETURNS TABLE (device_id text, metres float8)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    AS $$
WITH guess AS MATERIALIZED (
     SELECT analytics.metres($1, $2, d.longitude, d.latitude) AS metres
       FROM analytics.device AS d
      WHERE d.longitude IS NOT NULL
      ORDER BY point(d.longitude, d.latitude) <-> point($1, $2)
      LIMIT $3
), reach AS MATERIALIZED (
     SELECT 1e-9 + max(metres) / 111195.08 AS north,
            1e-9 + max(metres) / 111195.08
                   / greatest(cosd(least(90, abs($2) + max(metres) / 111195.08)), 1e-6) AS east
       FROM guess
)
SELECT d.device_id, analytics.metres($1, $2, d.longitude, d.latitude) AS metres
  FROM reach
 CROSS JOIN LATERAL (
       SELECT c.device_id, c.longitude, c.latitude
         FROM analytics.device AS c
        WHERE point(c.longitude, c.latitude)
              <@ box(point($1 - reach.east, $2 - reach.north), point($1 + reach.east, $2 + reach.north))) AS d
 ORDER BY metres, d.device_id
 LIMIT $3
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'citywatch_reader') THEN
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA analytics TO citywatch_reader;
    END IF;
END $$;
