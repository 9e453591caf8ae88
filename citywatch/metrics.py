"""What the processes measure of themselves, for Prometheus.

A process counts here, and reports the text to the store every few seconds (sql/reporting.py); `citywatch serve` gives
the latest of all processes under /metrics, with the labels `process` and `instance`. What the store itself knows (lag
of the consumers, the account, open alerts) is read there: api/metrics.py. docs/operations.md explains each one.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

# One process, one registry: what is not touched there stays at 0 and is not reported.
REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)

INGEST_MESSAGES = Counter(
    "citywatch_ingest_messages", "Messages committed, by fate: accepted, rejected", ["fate"], registry=REGISTRY
)
INGEST_READINGS = Counter(
    "citywatch_ingest_readings",
    "Readings of accepted messages, by fate: stored, duplicate, refused",
    ["fate"],
    registry=REGISTRY,
)
INGEST_REASONS = Counter(
    "citywatch_ingest_turned_away",
    "Messages rejected and readings refused, by reason",
    ["reason"],
    registry=REGISTRY,
)
INGEST_BATCH_ROWS = Histogram(
    "citywatch_ingest_batch_rows",
    "Rows of one batch",
    buckets=(1, 10, 50, 100, 250, 500, 1000, 2000, 5000),
    registry=REGISTRY,
)
INGEST_COMMIT_SECONDS = Histogram(
    "citywatch_ingest_commit_seconds", "Time to write and commit one batch", buckets=SECONDS, registry=REGISTRY
)
INGEST_DELAY_SECONDS = Histogram(
    "citywatch_ingest_arrival_to_commit_seconds",
    "Wait of the oldest message of a batch, from its arrival to its commit",
    buckets=SECONDS,
    registry=REGISTRY,
)
INGEST_HELD = Gauge("citywatch_ingest_held_messages", "Messages in hand that are not committed yet", registry=REGISTRY)
INGEST_CONNECTED = Gauge(
    "citywatch_ingest_broker_connected", "1 while the session with the broker stands", registry=REGISTRY
)
INGEST_STORE_AWAY = Counter(
    "citywatch_ingest_store_away", "Writes that had to be tried again because the store was away", registry=REGISTRY
)
INGEST_FLOODS = Gauge("citywatch_ingest_floods", "Devices that flood now", registry=REGISTRY)
CONSUMER_ROWS = Counter(
    "citywatch_consumer_rows", "Rows of the tail taken, by consumer", ["consumer"], registry=REGISTRY
)
CONSUMER_SECONDS = Histogram(
    "citywatch_consumer_step_seconds",
    "Time of one step that had rows to take, by consumer: fold, rule evaluation, indicators",
    ["consumer"],
    buckets=SECONDS,
    registry=REGISTRY,
)
PART_HELD = Gauge(
    "citywatch_part_held",
    "1 for each part of a consumer of the tail that this process works on",
    ["consumer", "part"],
    registry=REGISTRY,
)
PROBE_SECONDS = Histogram(
    "citywatch_probe_seconds",
    "From publishing a probe message until the store shows it as latest",
    buckets=SECONDS,
    registry=REGISTRY,
)
PROBE_LOST = Counter(
    "citywatch_probe_lost", "Probe messages that were not shown within the patience", registry=REGISTRY
)


def note_step(consumer: str, rows: int, seconds: float) -> None:
    """Note one step of a consumer of the tail that took `rows` rows."""
    CONSUMER_ROWS.labels(consumer).inc(rows)
    CONSUMER_SECONDS.labels(consumer).observe(seconds)
