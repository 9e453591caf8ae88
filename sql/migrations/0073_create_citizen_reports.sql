-- What citizens report (Open311). Nothing of who reported is kept: no name, no address on the network.
CREATE TABLE citizen_report (
    report_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service_code text NOT NULL,
    domain       text NOT NULL,
    at           timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    latitude     float8 NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude    float8 NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    place        text NOT NULL DEFAULT '',
    description  text NOT NULL DEFAULT '',
    status       text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    status_notes text NOT NULL DEFAULT '',
    times        int NOT NULL DEFAULT 1,                        -- how often the same was reported
    district_id  text REFERENCES district ON DELETE SET NULL,
    device_id    text REFERENCES device ON DELETE SET NULL      -- the nearest of the domain, where one is near
);
CREATE INDEX citizen_report_by_time ON citizen_report (at DESC);
CREATE INDEX citizen_report_by_device ON citizen_report (device_id, at);
CREATE INDEX citizen_report_open ON citizen_report (service_code, at) WHERE status = 'open';

SELECT limit_rows('citizen_report', $$within_limit(district_id, 'citywatch.districts')
                                      AND within_limit(domain, 'citywatch.domains')$$);
