-- Read-only views for Grafana, Metabase and notebooks: names instead of numbers, stable across versions (docs/store.md).
-- They show through their owner's eyes, so the role needs nothing but them.
CREATE SCHEMA analytics;

CREATE VIEW analytics.device AS
SELECT d.device_id, d.name, d.domain, d.profile, d.district_id, t.name AS district, d.site_id, d.latitude, d.longitude,
       d.source_id, extract(epoch FROM d.expected_interval)::float8 AS expected_interval_seconds, d.tags, d.registered_at
  FROM device AS d
  LEFT JOIN district AS t USING (district_id);

CREATE VIEW analytics.datastream AS
SELECT s.datastream_id, s.device_id, s.property, s.unit, d.domain, d.district_id, s.method, s.edition
  FROM datastream AS s
  JOIN device AS d USING (device_id);

-- `trusted`: the quality is good, not evaluated or suspect, and the value is a number.
CREATE VIEW analytics.observation AS
SELECT o.datastream_id, s.device_id, s.property, s.unit, s.domain, s.district_id, o.phenomenon_time AS time,
       o.received_at, o.result AS value, o.quality, usable(o.quality, o.result) AS trusted
  FROM observation AS o
  JOIN analytics.datastream AS s USING (datastream_id);

CREATE VIEW analytics.latest AS
SELECT s.datastream_id, s.device_id, s.property, s.unit, s.domain, s.district_id, l.phenomenon_time AS time,
       l.received_at, l.result AS value, l.quality
  FROM analytics.datastream AS s
  JOIN latest_observation AS l USING (datastream_id);

-- The mean of a direction is that of unit vectors; least and greatest mean nothing there.
CREATE FUNCTION analytics.mean(property text, n bigint, sum float8, sin_sum float8, cos_sum float8) RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN n < 1 THEN NULL
                      WHEN right(property, 10) <> '_direction' THEN sum / n
                      WHEN abs(sin_sum) + abs(cos_sum) < 1e-9 * n THEN NULL
                      ELSE mod((atan2d(sin_sum, cos_sum) + 360)::numeric, 360)::float8 END $$;

CREATE VIEW analytics.quarter_hour AS
SELECT r.datastream_id, s.device_id, s.property, s.unit, s.domain, s.district_id, r.bucket AS time, r.n, r.n_good, r.n_all,
       analytics.mean(s.property, r.n, r.sum, r.sin_sum, r.cos_sum) AS mean, r.min, r.max, r.last
  FROM rollup_quarter AS r
  JOIN analytics.datastream AS s USING (datastream_id);

CREATE VIEW analytics.hour AS
SELECT r.datastream_id, s.device_id, s.property, s.unit, s.domain, s.district_id, r.bucket AS time, r.n, r.n_good, r.n_all,
       analytics.mean(s.property, r.n, r.sum, r.sin_sum, r.cos_sum) AS mean, r.min, r.max, r.last
  FROM rollup_hour AS r
  JOIN analytics.datastream AS s USING (datastream_id);

CREATE VIEW analytics.day AS
SELECT r.datastream_id, s.device_id, s.property, s.unit, s.domain, s.district_id, r.bucket AS time, r.n, r.n_good, r.n_all,
       analytics.mean(s.property, r.n, r.sum, r.sin_sum, r.cos_sum) AS mean, r.min, r.max, r.last
  FROM rollup_day AS r
  JOIN analytics.datastream AS s USING (datastream_id);

-- The whole city at a glance: one row a property, hour, domain and district.
CREATE VIEW analytics.area_hour AS
SELECT property, bucket AS time, domain, nullif(district_id, '') AS district_id, n, n_good, n_all,
       analytics.mean(property, n, sum, sin_sum, cos_sum) AS mean
  FROM rollup_area_hour
 WHERE n_all <> 0;

CREATE VIEW analytics.alert AS
SELECT a.alert_id, a.rule_id, a.rule_version, a.device_id, d.domain, d.district_id, a.severity, a.state, a.open, a.silent,
       a.raised_at, a.cleared_at, a.acknowledged_at, a.acknowledged_by, a.incident_id
  FROM alert AS a
  LEFT JOIN device AS d USING (device_id)
 WHERE a.retracted_at IS NULL;

CREATE VIEW analytics.delivery AS
SELECT device_id, hour, received, accepted, rejected, readings, stored, duplicate, refused FROM delivery_account;

-- Roles belong to the server, not to one database: it may be there already, or be somebody else's to make.
DO $$
BEGIN
    CREATE ROLE citywatch_reader NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN RAISE NOTICE 'role citywatch_reader was not created: see docs/store.md';
END $$;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'citywatch_reader') THEN
        GRANT USAGE ON SCHEMA analytics TO citywatch_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO citywatch_reader;
    END IF;
END $$;
