"""The simulated city against real series: hour-of-day curves by correlation, bins by Kolmogorov distance; plotted."""

import statistics
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from docs.proof.shared_data import data_folder
from simulators.city import AirTraits, BinTraits, RoadTraits, SimulatedDevice
from simulators.geography import TIME_ZONE
from simulators.placing import build_city
from simulators.series import Record, find_mapping, read_series
from simulators.signals import readings_at
from simulators.signals.waste import fill_level

HERE = Path(__file__).parent
SEED = 20  # not one that the signals were written with
CITY = build_city(SEED, 300)
Curve = list[float]


def real_curve(path: str, name: str, zone: str) -> Curve:
    """Return the mean of a property in each local hour of a real series."""
    file = data_folder() / "timeseries" / path
    hours: dict[int, list[float]] = defaultdict(list)
    for record in read_series(file, find_mapping(file)).records:
        value = record.values[name]
        if value is not None:
            hours[record.time.astimezone(ZoneInfo(zone)).hour].append(value)
    return [statistics.fmean(hours[hour]) for hour in range(24)]


def simulated_curve(chosen: Callable[[SimulatedDevice], bool], name: str) -> Curve:
    """Return the same of simulated devices, over every eleventh day of a year."""
    devices = [device for device in CITY.devices if chosen(device)]
    assert devices
    zone, hours = ZoneInfo(TIME_ZONE), defaultdict[int, list[float]](list)
    for day in range(0, 364, 11):
        for hour in range(24):
            at = datetime(2026, 1, 1, hour, 20, tzinfo=zone) + timedelta(days=day)
            for device in devices:
                value = readings_at(SEED, device, at.timestamp())[name]
                if value is not None:
                    hours[hour].append(value)
    return [statistics.fmean(hours[hour]) for hour in range(24)]


def is_road(device: SimulatedDevice) -> bool:
    return isinstance(device.traits, RoadTraits)


def is_air(setting: str) -> Callable[[SimulatedDevice], bool]:
    return lambda device: isinstance(device.traits, AirTraits) and device.traits.setting == setting


BEIJING = [f"air_beijing/prsa_{station}_2016.csv.gz" for station in ("aotizhongxin", "dongsi")]
I94 = "traffic_metro_interstate/metro_interstate_2017.csv.gz"
UCI = "air_uci_italy/air_quality_uci_first_half.csv.gz"
# label, real series, property, zone, simulated devices, property there
CURVES = [
    ("road flow, Interstate 94", I94, "vehicle_flow", "America/Chicago", is_road),
    ("NO2 at the kerb, UCI Italy", UCI, "no2", "Europe/Rome", is_air("kerbside")),
    ("NO2 over the roofs, Aotizhongxin", BEIJING[0], "no2", "Asia/Shanghai", is_air("urban background")),
    ("NO2 over the roofs, Dongsi", BEIJING[1], "no2", "Asia/Shanghai", is_air("urban background")),
    ("PM2.5 over the roofs, Aotizhongxin", BEIJING[0], "pm2_5", "Asia/Shanghai", is_air("urban background")),
    ("PM2.5 over the roofs, Dongsi", BEIJING[1], "pm2_5", "Asia/Shanghai", is_air("urban background")),
    ("O3 over the roofs, Dongsi", BEIJING[1], "o3", "Asia/Shanghai", is_air("urban background")),
]


def fill_rates(days: Iterable[tuple[int, float]]) -> list[float]:
    """Return percent a day from one emptying to the next, from one level a day in steps of 20 %."""
    rates: list[float] = []
    first = last = None
    for day, level in days:
        if last is None or level <= last[1] - 20 or day - last[0] > 1:
            if first is not None and last is not None and last[0] > first[0] and last[1] > first[1]:
                rates.append((last[1] - first[1]) / (last[0] - first[0]))
            first = (day, level)
        last = (day, level)
    return rates


def real_rates() -> list[float]:
    file = data_folder() / "timeseries/waste_wyndham/wyndham_smart_bins.csv.gz"
    by_bin: dict[str, list[Record]] = defaultdict(list)
    for record in read_series(file, find_mapping(file)).records:
        by_bin[record.device_id].append(record)
    return [
        rate
        for records in by_bin.values()
        for rate in fill_rates((r.time.toordinal(), r.values["fill_level"] or 0.0) for r in records)
    ]


def simulated_rates() -> list[float]:
    """Return the same of the city's bins, looked at each midnight through the same coarse sensor."""
    midnight = datetime(2026, 1, 1, tzinfo=ZoneInfo(TIME_ZONE))
    return [
        rate
        for device in CITY.devices
        if isinstance(traits := device.traits, BinTraits)
        for rate in fill_rates(
            (day, 20.0 * round(fill_level(device.key, traits, (midnight + timedelta(days=day)).timestamp()) / 20))
            for day in range(180)
        )
    ]


def kolmogorov(a: list[float], b: list[float]) -> float:
    """Return the largest distance between two empirical distributions."""
    a, b = sorted(a), sorted(b)
    return max(abs(bisect_right(a, x) / len(a) - bisect_right(b, x) / len(b)) for x in {*a, *b})


def prove() -> dict[str, object]:
    """Compare, plot, and hold the figures against what was promised."""
    pairs = {
        label: (real_curve(path, name, zone), simulated_curve(chosen, name))
        for label, path, name, zone, chosen in CURVES
    }
    correlation = {label: round(statistics.correlation(*pair), 3) for label, pair in pairs.items()}
    real, simulated = real_rates(), simulated_rates()
    distance = round(kolmogorov(real, simulated), 3)
    (HERE / "realism.svg").write_text(plot(pairs, correlation), encoding="utf-8")
    assert correlation["road flow, Interstate 94"] >= 0.9, correlation
    assert correlation["NO2 at the kerb, UCI Italy"] >= 0.8, correlation
    for station in ("Aotizhongxin", "Dongsi"):
        best = max(correlation[f"{gas} over the roofs, {station}"] for gas in ("NO2", "PM2.5"))
        assert best >= 0.8, f"{station}: {correlation}"
    assert distance <= 0.2, f"bin fill rates: {distance}"
    return {
        "seed": SEED,
        "hour_of_day_correlation": correlation,
        "bin_fill_rates": {
            "kolmogorov_distance": distance,
            "emptyings_real": len(real),
            "emptyings_simulated": len(simulated),
            "percent_a_day_real": quartiles(real),
            "percent_a_day_simulated": quartiles(simulated),
        },
        "plot": "realism.svg",
    }


def quartiles(values: list[float]) -> list[float]:
    return [round(value, 1) for value in statistics.quantiles(values, n=4)]


def plot(pairs: dict[str, tuple[Curve, Curve]], correlation: dict[str, float]) -> str:
    """Return small multiples, each curve as a share of its own mean: real in grey, simulated in blue."""
    width, height, columns = 300, 170, 2
    rows = -(-len(pairs) // columns)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width * columns} {height * rows}"'
        ' font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>'
    ]
    for at, (label, curves) in enumerate(pairs.items()):
        x0, y0 = at % columns * width + 28, at // columns * height + 26
        scaled = [[value / statistics.fmean(curve) for value in curve] for curve in curves]
        low, high = min(map(min, scaled)), max(map(max, scaled))
        parts.append(f'<text x="{x0}" y="{y0 - 8}">{label}: r = {correlation[label]}</text>')
        parts.append(f'<rect x="{x0}" y="{y0}" width="253" height="110" fill="none" stroke="#ccc"/>')
        for curve, colour in zip(scaled, ("#888", "#0b62c4"), strict=True):
            points = " ".join(
                f"{x0 + hour * 11:.1f},{y0 + 105 - 100 * (value - low) / (high - low):.1f}"
                for hour, value in enumerate(curve)
            )
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for hour in (0, 6, 12, 18):
            parts.append(f'<text x="{x0 + hour * 11 - 4}" y="{y0 + 124}" fill="#666">{hour}</text>')
    last = len(pairs)
    parts.append(
        f'<text x="{last % columns * width + 28}" y="{last // columns * height + 60}">'
        "grey: real; blue: simulated; share of the mean by local hour</text>"
    )
    return "\n".join([*parts, "</svg>"]) + "\n"
