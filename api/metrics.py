"""What a Prometheus server reads: requests, live clients, and the state of the city's devices and consumers."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Scope

from api.overview import by_freshness
from sql.connection import Pool, Record
from sql.queries import query
from sql.read import read_tail_lag

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One registry per application; nothing global, so that tests and embedding apps do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self.seconds = Histogram(
            "citywatch_http_request_seconds",
            "Time to answer, by route",
            ["method", "route", "status"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.live_clients = Gauge("citywatch_live_clients", "Open live sockets", registry=self.registry)
        self.live_messages = Counter("citywatch_live_messages", "Messages queued to clients", registry=self.registry)
        self.live_resyncs = Counter(
            "citywatch_live_resyncs", "Clients told to read afresh because they fell behind", registry=self.registry
        )

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one request. The route's template, never the path: paths are without number."""
        route = getattr(scope.get("route"), "path", "other")
        self.seconds.labels(scope["method"], route, str(status)).observe(seconds)


async def render(metrics: Metrics, pool: Pool) -> bytes:
    """Return the exposition text: this process' own metrics, then what the store says now."""
    async with pool.acquire() as connection:
        devices = by_freshness(await connection.fetch(query("api", "device_counts"), None))
        alerts = await connection.fetch(query("api", "open_alert_counts"))
        lags = await read_tail_lag(connection)
        (total,) = await connection.fetch(query("api", "account_total"), None, None, None)
        reports = await connection.fetch(query("process", "process_reports"))
        waiting = await connection.fetchval(query("process", "notifications_waiting"))
    families: list[Metric] = [
        _family(
            "citywatch_devices", "Devices by freshness", "freshness", [(name, float(n)) for name, n in devices.items()]
        ),
        _family("citywatch_open_alerts", "Open alerts by severity", "severity", alerts),
        _family(
            "citywatch_consumer_lag_rows",
            "Observations a consumer of the tail has not yet taken",
            "consumer",
            [(lag.consumer, lag.rows) for lag in lags],
        ),
        _family(
            "citywatch_consumer_lag_seconds",
            "How long the oldest of them has waited",
            "consumer",
            [(lag.consumer, lag.seconds) for lag in lags],
        ),
        GaugeMetricFamily("citywatch_notifications_waiting", "Notifications that are to be sent", value=waiting),
        GaugeMetricFamily("citywatch_account_closes", "1 where both sums of the account close", value=total["closes"]),
        *_reported(reports),
        _family(
            "citywatch_account",
            "Messages and readings by fate, since the beginning",
            "fate",
            [(name, value) for name, value in total.items() if name != "closes"],
        ),
    ]

    class _Store:
        def collect(self) -> list[Metric]:
            return families

    now = CollectorRegistry()
    now.register(_Store())
    return generate_latest(metrics.registry) + generate_latest(now)


def _reported(reports: Sequence[Record]) -> list[Metric]:
    """Return what the processes said of themselves, each sample with who said it, and how old that is."""
    age = GaugeMetricFamily(
        "citywatch_report_age_seconds", "Since a process last reported", labels=["process", "instance"]
    )
    families: dict[str, Metric] = {age.name: age}
    for report in reports:
        who = {"process": report["process"], "instance": report["instance"]}
        age.add_metric(list(who.values()), report["silent_seconds"])
        for family in text_string_to_metric_families(report["exposition"]):
            kept = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                kept.add_sample(sample.name, {**sample.labels, **who}, sample.value)
    return list(families.values())


def _family(name: str, text: str, label: str, values: list[tuple[str, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family
