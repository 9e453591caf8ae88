-- Devices by place: boxes and nearest neighbours without PostGIS. Degrees; the query turns them into metres.
CREATE INDEX device_by_place ON device USING gist (point(longitude, latitude)) WHERE longitude IS NOT NULL;
