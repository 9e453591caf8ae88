-- What each running process last said of itself: how `citywatch status`, the status page and /metrics know.
CREATE TABLE process_report (
    process    text NOT NULL,             -- ingest, fold, rules, ...
    instance   text NOT NULL,             -- host, and for several on one host what tells them apart
    started_at timestamptz NOT NULL,
    at         timestamptz NOT NULL,
    exposition text NOT NULL,             -- its metrics in Prometheus' text format
    PRIMARY KEY (process, instance)
);
