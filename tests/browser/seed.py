"""A small city in a migrated database, by plain SQL: a day of readings, a few alerts, a replay beside it.

Only the engine is asked, for room in the table: what the screen shows is checked against an account of its own.
"""

import json
import math
from collections.abc import Iterator
from datetime import datetime, timedelta

import asyncpg

from sql.engine import detect_engine

DISTRICTS = [
    ("harbour", "Harbour", 21400, 0, 0),
    ("old-town", "Old Town", 14200, 1, 0),
    ("campus", "Campus", 9800, 2, 0),
    ("north-hill", "North Hill", 26100, 0, 1),
    ("mills", "Mills", 17600, 1, 1),
    ("riverside", "Riverside", 22900, 2, 1),
]
WEST, SOUTH, WIDTH, HEIGHT = 7.40, 46.90, 0.035, 0.022
ROADS = ["Ring Road clockwise", "Ring Road anticlockwise", "Harbour Street east", "Harbour Street west"]
STREETS = ["Market Square", "Station Road", "Mill Lane", "Canal Walk", "Library Court", "Hill Park"]
UNITS = {
    "vehicle_flow": "{vehicles}/h",
    "vehicle_speed": "km/h",
    "occupancy": "%",
    "fill_level": "%",
    "bin_temperature": "Cel",
    "battery": "%",
    "pm2_5": "ug/m3",
    "pm10": "ug/m3",
    "no2": "ug/m3",
    "o3": "ug/m3",
    "air_temperature": "Cel",
    "relative_humidity": "%",
}
# A device is late after three of its intervals (s): nobody goes on publishing here, and a run may last ten minutes.
INTERVAL = 300
DERIVED = {"road": ["level_of_service"]}  # worked out by Citywatch, not sent by the device
KINDS = {
    "road": ("citywatch/road", "traffic", INTERVAL, ["vehicle_flow", "vehicle_speed", "occupancy"]),
    "bin": ("citywatch/bin", "waste", INTERVAL, ["fill_level", "bin_temperature", "battery"]),
    "air": ("citywatch/air", "air", INTERVAL, ["pm2_5", "pm10", "no2", "o3", "air_temperature", "relative_humidity"]),
}
REPLAY = "i94-2016"
REPLAY_CLOCK = "2016-07-04T13:00:00+00:00"
LIMIT, BIN = 90.0, "bin-007"
STEP = timedelta(minutes=5)

Row = tuple[int, datetime, float]


def _wave(hour: float, peak: float, width: float) -> float:
    return math.exp(-(((hour - peak + 12) % 24 - 12) ** 2) / (2 * width * width))


def reading(name: str, number: int, at: datetime) -> float:
    """Return what device `number` of its kind would measure: a day's rhythm with a ripple of its own."""
    hour = at.hour + at.minute / 60
    ripple = math.sin(at.timestamp() / 700 + number * 1.7) + 0.6 * math.sin(at.timestamp() / 251 + number)
    rush = _wave(hour, 8, 1.4) + 0.9 * _wave(hour, 17.5, 1.8) + 0.35 * _wave(hour, 13, 3)
    weight = 0.5 + (number * 37 % 50) / 50
    values = {
        "vehicle_flow": 90 + 1100 * rush * weight + 25 * ripple,
        "vehicle_speed": 62 - 34 * min(1.0, rush * weight) + 1.5 * ripple,
        "occupancy": 3 + 24 * rush * weight + 0.8 * ripple,
        "fill_level": (number * 23 % 71) + (hour * 0.55) + 0.6 * ripple,
        "bin_temperature": 8 + 5 * _wave(hour, 14, 4) + 0.4 * ripple,
        "battery": 96 - (number * 13 % 60),
        "pm2_5": 7 + 11 * _wave(hour, 8, 2) + 9 * _wave(hour, 20, 3) + number % 5 + ripple,
        "pm10": 14 + 16 * _wave(hour, 8, 2) + 12 * _wave(hour, 20, 3) + number % 7 + 1.5 * ripple,
        "no2": 14 + 28 * rush * weight + 2 * ripple,
        "o3": 38 + 42 * _wave(hour, 15, 4) - 6 * rush + 2 * ripple,
        "air_temperature": 5 + 6 * _wave(hour, 14, 4) + 0.2 * ripple,
        "relative_humidity": 78 - 20 * _wave(hour, 14, 4) + ripple,
    }
    # As the roads' speed has it: free at 62 km/h.
    values["level_of_service"] = 1 + sum(values["vehicle_speed"] / 62 <= bound for bound in (0.8, 0.67, 0.5, 0.4, 0.3))
    return round(values[name], 2)


def _devices() -> Iterator[tuple[str, str, str, int, str]]:
    """Yield id, kind, name, number and district."""
    for kind, count in (("road", 24), ("bin", 30), ("air", 12)):
        for number in range(count):
            district = DISTRICTS[number % len(DISTRICTS)]
            if kind == "road":
                name = f"{ROADS[number % 4]}, km {0.4 + 0.7 * (number // 4):.1f}"
            elif kind == "bin":
                name = f"{STREETS[number % 6]} bin {number // 6 + 1}"
            else:
                name = f"{district[1]} {'kerbside' if number < 6 else 'background'}"
            yield f"{kind}-{number:03d}", kind, name, number, district[0]


async def seed(connection: asyncpg.Connection, now: datetime) -> None:
    """Fill a migrated database as if the city had run for a day until `now`."""
    await _registry(connection)
    streams = {
        (row["device_id"], row["property"]): row["datastream_id"]
        for row in await connection.fetch("SELECT device_id, property, datastream_id FROM datastream")
    }
    rows: list[Row] = []
    numbers = {device_id: number for device_id, _, _, number, _ in _devices()}
    for (device_id, name), stream in streams.items():
        # One device fell silent two hours ago, one is late.
        quiet = {"road-005": timedelta(hours=2), "bin-011": timedelta(minutes=35)}.get(device_id, timedelta())
        if device_id.startswith("i94"):
            continue
        at = now - timedelta(hours=24)
        while at <= now - quiet:
            rows.append((stream, at, reading(name, numbers[device_id], at)))
            at += STEP
        rows.append(
            (
                stream,
                now - quiet - timedelta(seconds=numbers[device_id] % 40 + 2),
                reading(name, numbers[device_id], now),
            )
        )
    clock = datetime.fromisoformat(REPLAY_CLOCK)
    for hour in range(48):
        at = clock - timedelta(hours=hour)
        rows.append((streams["i94-301", "vehicle_flow"], at, reading("vehicle_flow", 7, at) * 4))
    # One station has weeks of history, by the hour: what a forecast and a calendar are made from.
    for name in ("pm2_5", "no2"):
        for hour in range(25, 24 * 40):
            at = now - timedelta(hours=hour)
            rows.append((streams["air-000", name], at, reading(name, 0, at)))
    await _readings(connection, rows)
    await _rules(connection)
    await _alerts(connection, streams, now)
    await _account(connection, now)


async def _registry(connection: asyncpg.Connection) -> None:
    await connection.executemany(
        "INSERT INTO district (district_id, name, population, polygon) VALUES ($1, $2, $3, $4::text::jsonb)",
        [
            (district_id, name, population, json.dumps({"type": "Polygon", "coordinates": [_box(x, y)]}))
            for district_id, name, population, x, y in DISTRICTS
        ],
    )
    await connection.execute(
        "INSERT INTO source (source_id, kind, clock) VALUES ($1, 'replay', $2)",
        REPLAY,
        datetime.fromisoformat(REPLAY_CLOCK),
    )
    places = {district_id: (x, y) for district_id, _, _, x, y in DISTRICTS}
    for device_id, kind, name, number, district in _devices():
        profile, domain, interval, properties = KINDS[kind]
        x, y = places[district]
        longitude = WEST + WIDTH * (x + 0.12 + (number * 29 % 77) / 100)
        latitude = SOUTH + HEIGHT * (y + 0.12 + (number * 53 % 79) / 100)
        await connection.execute(
            "INSERT INTO device (device_id, profile, domain, name, district_id, latitude, longitude, expected_interval)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            device_id,
            profile,
            domain,
            name,
            district,
            latitude,
            longitude,
            timedelta(seconds=interval),
        )
        await connection.executemany(
            "INSERT INTO datastream (device_id, property, unit) VALUES ($1, $2, $3)",
            [(device_id, one, UNITS[one]) for one in properties],
        )
        await connection.executemany(
            "INSERT INTO datastream (device_id, property, unit, method, edition) VALUES ($1, $2, '1', 'seed', '1')",
            [(device_id, one) for one in DERIVED.get(kind, ())],
        )
    await connection.execute(
        "INSERT INTO device (device_id, profile, domain, name, latitude, longitude, source_id, expected_interval)"
        " VALUES ('i94-301', 'citywatch/native', 'traffic', 'I-94 westbound, station 301',"
        " 44.97, -93.17, $1, '1 hour')",
        REPLAY,
    )
    await connection.execute(
        "INSERT INTO datastream (device_id, property, unit) VALUES ('i94-301', 'vehicle_flow', '{vehicles}/h')"
    )


def _box(x: int, y: int) -> list[list[float]]:
    west, south = WEST + WIDTH * x, SOUTH + HEIGHT * y
    east, north = west + WIDTH, south + HEIGHT
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


async def _readings(connection: asyncpg.Connection, rows: list[Row]) -> None:
    """Write readings and what the fold would have made of them."""
    streams, times, values = (list(column) for column in zip(*rows, strict=True))
    await (await detect_engine(connection)).ensure(connection, times)
    await connection.execute(
        "INSERT INTO observation (datastream_id, quality, phenomenon_time, received_at, result)"
        " SELECT s, 1, t, t + interval '300 ms', v"
        " FROM unnest($1::int[], $2::timestamptz[], $3::float8[]) AS u (s, t, v)"
        " ON CONFLICT DO NOTHING",
        streams,
        times,
        values,
    )
    widths = {"minute": timedelta(minutes=1), "quarter": timedelta(minutes=15), "hour": timedelta(hours=1)}
    for table, width in {**widths, "day": timedelta(days=1)}.items():
        await connection.execute(
            f"INSERT INTO rollup_{table} (datastream_id, bucket, n, n_good, n_all, sum, sin_sum, cos_sum,"
            " min, max, last, last_time)"
            " SELECT datastream_id, date_bin($1, phenomenon_time, '2000-01-01T00:00Z'), count(*), count(*), count(*),"
            " sum(result), 0, 0, min(result), max(result),"
            " (array_agg(result ORDER BY phenomenon_time DESC))[1], max(phenomenon_time)"
            " FROM observation GROUP BY 1, 2",
            width,
        )
    await connection.execute(
        "INSERT INTO latest_observation SELECT DISTINCT ON (datastream_id) datastream_id, phenomenon_time, received_at,"
        " result, quality FROM observation ORDER BY datastream_id, phenomenon_time DESC"
    )
    await connection.execute("INSERT INTO consumer_position (consumer, seq) VALUES ('fold', 0), ('rules', 0)")


# rule_id -> title, severity, condition as the rules say it in one line, limit
RULES: dict[str, tuple[str, str, str, float | None]] = {
    "bin-nearly-full": ("Bin nearly full", "MEDIUM", f"fill_level >= {LIMIT:g}", LIMIT),
    "bin-overflowing": ("Bin overflows", "HIGH", "fill_level >= 100", 100),
    "bin-fire": ("Fire in a bin", "CRITICAL", "bin_temperature >= 60", 60),
    "device-silent": ("Device is silent", "LOW", "no data for 3.5 intervals", None),
    "pm2-5-high": ("Fine particles unhealthy", "HIGH", "pm2_5 >= 50", 50),
}


async def _rules(connection: asyncpg.Connection) -> None:
    for rule_id, (title, severity, condition, _) in RULES.items():
        definition = {
            "title": title,
            "severity": severity,
            "condition": condition,
            "cause": "The bin has filled faster than its collection round expected.",
            "consequence": "It overflows within hours; litter, vermin and complaints follow.",
            "operator_action": "Add the bin to today's next round, or send the reserve vehicle.",
            "threshold": "A round's time before overflow.",
            "time_to_respond": 28800.0,
            "owner": "Waste operations",
            "latched": False,
            "on_delay_seconds": 600.0,
            "off_delay_seconds": 0.0,
        }
        await connection.execute("INSERT INTO rule (rule_id, version) VALUES ($1, 1)", rule_id)
        await connection.execute(
            "INSERT INTO rule_version (rule_id, version, text, text_hash, definition, author)"
            " VALUES ($1, 1, '', '', $2::text::jsonb, 'seed')",
            rule_id,
            json.dumps(definition),
        )


async def raise_alert(
    connection: asyncpg.Connection,
    rule_id: str,
    device_id: str,
    stream: int | None,
    at: datetime,
    words: str,
    *,
    acknowledged_by: str | None = None,
    inputs: dict[str, object] | None = None,
) -> int:
    """Write an alert with its first journal line, as the rules would, and announce it."""
    severity = RULES[rule_id][1]
    alert_id: int = await connection.fetchval(
        "INSERT INTO alert (alert_key, rule_id, rule_version, device_id, datastream_id, severity, state, summary,"
        " inputs, raised_at, acknowledged_at, acknowledged_by)"
        " VALUES ($1, $2, 1, $3, $4, $5, $6, $7::text::jsonb, $8::text::jsonb, $9, $10, $11) RETURNING alert_id",
        f"{rule_id}/{device_id}",
        rule_id,
        device_id,
        stream,
        severity,
        "acknowledged" if acknowledged_by else "unacknowledged",
        json.dumps(
            {"message": f"rule.{rule_id}", "parameters": _parameters(rule_id, device_id, inputs), "text": words}
        ),
        json.dumps(inputs or {}),
        at,
        at + timedelta(minutes=4) if acknowledged_by else None,
        acknowledged_by,
    )
    events: list[tuple[str, str | None, str, str, datetime]] = [
        ("raised", None, "unacknowledged", f"rule {rule_id} version 1", at)
    ]
    if acknowledged_by:
        events.append(("acknowledged", "unacknowledged", "acknowledged", acknowledged_by, at + timedelta(minutes=4)))
    for kind, before, after, actor, moment in events:
        await connection.execute(
            "INSERT INTO alert_event (alert_id, at, kind, from_state, to_state, actor) VALUES ($1, $2, $3, $4, $5, $6)",
            alert_id,
            moment,
            kind,
            before,
            after,
            actor,
        )
    await connection.execute("SELECT pg_notify('citywatch_alert', $1)", str(alert_id))
    return alert_id


async def remove_alerts(connection: asyncpg.Connection, keys: str) -> None:
    """Remove the alerts whose key is LIKE `keys`, with their journals."""
    for table in ("alert_event", "alert"):
        await connection.execute(
            f"DELETE FROM {table} WHERE alert_id IN (SELECT alert_id FROM alert WHERE alert_key LIKE $1)", keys
        )


def _parameters(rule_id: str, device_id: str, inputs: dict[str, object] | None) -> dict[str, object]:
    names = {name: words for name, _, words, _, _ in _devices()}
    value = (inputs or {}).get("value")
    condition = RULES[rule_id][2]
    unit = UNITS.get(condition.split(" ")[0])
    return {
        "device": names.get(device_id, device_id),
        "value": value,
        "unit": unit,
        "limit": condition,
        "since": "06:00",
    }


async def _alerts(connection: asyncpg.Connection, streams: dict[tuple[str, str], int], now: datetime) -> None:
    def ago(minutes: float) -> datetime:
        return now - timedelta(minutes=minutes)

    await raise_alert(
        connection, "bin-fire", "bin-004", streams["bin-004", "bin_temperature"], ago(3),
        "Library Court bin 1: 71 °C in the bin",
        inputs={"value": 71.2, "limit": 60, "unit": "Cel", "at": ago(3).isoformat()},
    )  # fmt: skip
    await raise_alert(
        connection, "pm2-5-high", "air-002", streams["air-002", "pm2_5"], ago(18),
        "Campus kerbside: PM2.5 at 54 µg/m³", inputs={"value": 54.1, "limit": 50},
    )  # fmt: skip
    await raise_alert(
        connection, "bin-nearly-full", "bin-003", streams["bin-003", "fill_level"], ago(44),
        "Canal Walk bin 1 is 92 % full", acknowledged_by="R. Meier (unverified)", inputs={"value": 92.0, "limit": 90},
    )  # fmt: skip
    silent = [
        await raise_alert(connection, "device-silent", device_id, None, ago(minutes), f"{words} is silent")
        for device_id, minutes, words in (
            ("road-005", 117, "Ring Road anticlockwise, km 1.1"),
            ("bin-011", 20, "Hill Park bin 2"),
        )
    ]
    incident = await connection.fetchval(
        "INSERT INTO incident (cause, title, severity, began_at, newest_at)"
        " VALUES ('gateway:GW-7', 'Gateway GW-7: devices are silent', 'LOW', $1, $2) RETURNING incident_id",
        ago(117),
        ago(20),
    )
    await connection.execute("UPDATE alert SET incident_id = $1 WHERE alert_id = ANY ($2::bigint[])", incident, silent)


async def _account(connection: asyncpg.Connection, now: datetime) -> None:
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = []
    for device_id, kind, _, number, _ in _devices():
        each = len(KINDS[kind][3])
        for back in range(3):
            received = 12 if kind == "bin" else 60
            rejected = 1 if number % 11 == 3 and back == 0 else 0
            accepted = received - rejected
            duplicate = each if number % 7 == 2 else 0
            refused = 1 if number % 13 == 5 else 0
            readings = accepted * each
            rows.append(
                (device_id, hour - timedelta(hours=back), received, accepted, rejected, readings,
                 readings - duplicate - refused, duplicate, refused)
            )  # fmt: skip
    await connection.executemany(
        "INSERT INTO delivery_account (device_id, hour, received, accepted, rejected, readings, stored, duplicate,"
        " refused) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        rows,
    )
    messages: list[tuple[str, str, str, str | None, bytes]] = [
        ("rejected", "decode_failed", "fill_level: expected a number, got 'abc'", "bin-003", b'{"fill_level": "abc"}'),
        (
            "rejected",
            "bad_json",
            "not JSON at byte 1: expecting property name",
            "bin-014",
            b'{fill_level: 41, "time": ',
        ),
        ("rejected", "unknown_device", "no device 'bin-9999' is registered", "bin-9999", b'{"fill_level": 12}'),
        (
            "refused",
            "too_old",
            "vehicle_speed at 1970-01-01T00:00:00Z",
            "road-005",
            b'{"vehicle_speed": 50, "time": 0}',
        ),
    ]
    for number, (fate, reason, detail, about, payload) in enumerate(messages):
        await connection.execute(
            "INSERT INTO rejected_message (received_at, fate, reason, detail, device_id, topic, payload, payload_size)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            now - timedelta(minutes=7 * number + 2),
            fate,
            reason,
            detail,
            about,
            f"city/v1/devices/{about or 'bin-9999'}/telemetry",
            payload,
            len(payload),
        )


async def publish(
    connection: asyncpg.Connection, device_id: str, name: str, value: float, at: datetime, quality: int = 1
) -> None:
    """Write one reading and what fold makes of it in one transaction, and announce it."""
    async with connection.transaction():
        stream = await connection.fetchval(
            "SELECT datastream_id FROM datastream WHERE device_id = $1 AND property = $2", device_id, name
        )
        received_at = await connection.fetchval("SELECT clock_timestamp()")
        await connection.execute(
            "INSERT INTO observation (datastream_id, quality, phenomenon_time, received_at, result)"
            " VALUES ($1, $5, $2, $3, $4)",
            stream,
            at,
            received_at,
            value,
            quality,
        )
        await connection.execute("SELECT pg_advisory_xact_lock(7228001)")
        seq = await connection.fetchval(
            "INSERT INTO ingest_batch (seq, datastream_id, phenomenon_time, received_at, result, quality)"
            " VALUES (nextval('ingest_batch_seq'), ARRAY[$1::int], ARRAY[$2::timestamptz], ARRAY[$3::timestamptz],"
            " ARRAY[$4::float8], ARRAY[$5::smallint]) RETURNING seq",
            stream,
            at,
            received_at,
            value,
            quality,
        )
        await connection.execute(
            "UPDATE latest_observation SET phenomenon_time = $2, received_at = $3, result = $4, quality = $5"
            " WHERE datastream_id = $1",
            stream,
            at,
            received_at,
            value,
            quality,
        )
        await connection.execute("UPDATE consumer_position SET seq = $1 WHERE consumer = 'fold'", seq)
        await connection.execute("SELECT pg_notify('citywatch_latest', '')")
