"""Parts of the proof of ingest: one device floods, and many deliver a backlog, while others report as ever."""

import time
from typing import Any

from benchmarks.city import publish_city
from benchmarks.pipeline import RECEIVED
from benchmarks.services import services, wait_for
from docs.proof.ingest_outages import SUMS, Slots, row_of

DELAYS = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY d) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY d) AS p99,
       count(*) AS n
  FROM (SELECT 1000 * extract(epoch FROM b.at - r.t) AS d
          FROM ingest_batch AS b CROSS JOIN LATERAL unnest(b.datastream_id, b.phenomenon_time) AS r (s, t)
          JOIN datastream AS s ON s.datastream_id = r.s WHERE {where}) AS x
"""


def flood(scale: float) -> dict[str, object]:
    """One device sends 623 messages a second beside 2,000 that send one a minute; the others must not notice."""
    seconds = max(20.0, 300 * scale)
    with services(2001) as own, Slots(own, "3.1.1", 1):
        sent = publish_city(
            own.broker.port, seconds, normal=2000, normal_rate=2000 / 60, loud=1, loud_rate=187_000 / 300
        )
        wait_for(lambda: own.query(RECEIVED) == sent["messages"], 60, every=0.2)
        named = row_of(
            own,
            "SELECT count(*) AS n, extract(epoch FROM min(began_at))::float8 AS at FROM device_flood"
            " WHERE device_id = 'bench-02000'",
        )
        others = row_of(own, DELAYS.format(where="s.device_id <> 'bench-02000'"))
        account = row_of(own, SUMS + " WHERE device_id = 'bench-02000'")
    figures: dict[str, object] = {
        "messages": sent["messages"],
        "others_p50_ms": float(others["p50"]),
        "others_p99_ms": float(others["p99"]),
        "seconds_until_named": named["at"] - sent["began"] if named["n"] else None,
        "account_of_the_flood": account,
    }
    assert named["n"], figures
    assert named["at"] - sent["began"] < 10, figures
    assert others["p99"] < 2000, figures
    return figures


def backlog(scale: float) -> dict[str, object]:
    """500 devices deliver six hours at once (one reading a minute) while 1,500 others go on reporting."""
    minutes = max(36, int(360 * scale))
    with services(2000) as own, Slots(own, "3.1.1", 1):
        sent = publish_city(own.broker.port, 15.0, normal=1500, normal_rate=100, backlog=500, backlog_each=minutes)
        began = time.monotonic()
        wait_for(lambda: own.query(RECEIVED) == sent["messages"], 120, every=0.2)
        live = row_of(own, DELAYS.format(where="substr(s.device_id, 7)::int < 1500"))
        took, account = time.monotonic() - began, row_of(own, SUMS)
    figures: dict[str, Any] = {
        "backlog_messages": 500 * minutes,
        "live_p50_ms": float(live["p50"]),
        "live_p99_ms": float(live["p99"]),
        "seconds_after_the_last_publication": took,
        "account": account,
    }
    assert account["refused"] == 0, figures
    assert figures["live_p99_ms"] < 5000, figures
    return figures
