-- Calculated datastreams: a formula over datastreams of the city, as somebody set it and until when it held.

-- One row for each version; the one without `ended_at` is in force. `inputs` names each datastream by device and property,
-- under the name it has in the formula: {"north": {"device_id": "air-1", "property": "no2"}}.
CREATE TABLE calculation (
    device_id  text NOT NULL REFERENCES device ON DELETE CASCADE,
    property   text NOT NULL CHECK (property ~ '^[a-z][a-z0-9_]{0,62}$'),
    version    int NOT NULL,
    formula    text NOT NULL,
    inputs     jsonb NOT NULL,
    unit       text NOT NULL,
    every      text NOT NULL CHECK (every IN ('quarter', 'hour', 'day')),
    author     text NOT NULL,
    reason     text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at   timestamptz,
    PRIMARY KEY (device_id, property, version)
);
CREATE UNIQUE INDEX calculation_in_force ON calculation (device_id, property) WHERE ended_at IS NULL;

-- A formula names its inputs: who may not see each of their devices does not see it.
SELECT limit_rows('calculation',
                  $$EXISTS (SELECT FROM device AS d WHERE d.device_id = calculation.device_id)
                    AND NOT EXISTS (
                        SELECT FROM jsonb_each(calculation.inputs) AS i
                         WHERE NOT EXISTS (SELECT FROM device AS d WHERE d.device_id = i.value ->> 'device_id'))$$);

-- New families of what is derived: calculated by users, forecasts.
ALTER TABLE indicator_due DROP CONSTRAINT indicator_due_kind_check;
ALTER TABLE indicator_due ADD CONSTRAINT indicator_due_kind_check
    CHECK (kind IN ('air', 'road', 'bin', 'health', 'series', 'calc_quarter', 'calc_hour', 'calc_day', 'forecast',
                    'usual', 'pair'));
