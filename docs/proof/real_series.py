"""All six real series replayed at full speed over MQTT: the product's account against an independent count."""

import csv
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from docs.proof.shared_data import data_folder
from tests.installation import ROOT, Installation, installation, wait_for

# mapping -> files
SERIES = {
    "metro_interstate": ["traffic_metro_interstate/metro_interstate_2017.csv.gz"],
    "losloop": ["traffic_losloop/los_speed_50sensors_7days.csv.gz"],
    "wyndham": ["waste_wyndham/wyndham_smart_bins.csv.gz"],
    "beijing": ["air_beijing/prsa_aotizhongxin_2016.csv.gz", "air_beijing/prsa_dongsi_2016.csv.gz"],
    "uci_italy": ["air_uci_italy/air_quality_uci_first_half.csv.gz"],
    "telraam": ["traffic_telraam/telraam_hourly.csv.gz"],
}


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of one file, read here without any of our own code."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def independent(city: Installation) -> dict[str, dict[str, Any]]:
    """Return the independent script's count of every device that is not simulated."""
    script = [sys.executable, str(ROOT / "docs/proof/independent_count.py"), city.running["dsn"], "%"]
    document: dict[str, dict[str, Any]] = json.loads(
        subprocess.run(script, capture_output=True, text=True, check=True).stdout
    )
    return document


def account(city: Installation) -> dict[str, dict[str, Any]]:
    """Return the product's own account, device by device."""
    return {row["device_id"]: row for row in json.loads(city.command("account", "--json"))}


def prove() -> dict[str, object]:
    """Replay, compare device by device, and check what is special about each series."""
    series = data_folder() / "timeseries"
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        with installation(Path(folder) / "data", "--no-simulator") as city:
            for mapping, names in SERIES.items():
                files = [str(series / name) for name in names]
                city.command("replay", *files, "--mapping", mapping, "--speed", "max")
                figures[mapping] = compare(city, mapping, [rows(Path(file)) for file in files])
    return figures


def compare(city: Installation, mapping: str, files: list[list[dict[str, str]]]) -> dict[str, object]:
    """Wait until the account is complete, then hold it against the tables and against the files themselves."""
    source = f"replay:{mapping}"
    mine = {d["device_id"] for d in devices(city) if d["source_id"] == source}
    assert mine, f"no device of {source}"
    wait_for(lambda: steady(city, mine), f"{mapping} to be stored", 120)
    own, other = account(city), independent(city)
    for device in mine:
        stored, counted = own[device]["stored"], other.get(device, {"stored": 0})["stored"]
        assert stored == counted, f"{device}: the account says {stored}, the tables hold {counted}"
        assert own[device]["closes"], f"{device}: a sum does not close"
        assert own[device]["refused"] == 0, f"{device}: {own[device]['refused']} readings refused"
    total = {
        key: sum(own[d][key] for d in mine)
        for key in ("received", "accepted", "readings", "stored", "duplicate", "refused")
    }
    missing = sum(other[d]["missing"] for d in mine if d in other)
    figures: dict[str, object] = {
        "rows_in_files": sum(map(len, files)),
        "devices": len(mine),
        **total,
        "missing": missing,
    }
    check = CHECKS.get(mapping)
    if check is not None:
        figures |= check(files, {d: other[d] for d in mine if d in other})
    return figures


def devices(city: Installation) -> list[dict[str, Any]]:
    """Return every device, page by page."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = city.get("/api/v1/devices", limit=500, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next_cursor"]
    return items


_last: dict[str, int] = {}


def steady(city: Installation, mine: set[str]) -> bool:
    """Return whether the account has stopped moving since the last look."""
    received = sum(row["received"] for device, row in account(city).items() if device in mine)
    before, _last["received"] = _last.get("received"), received
    return bool(received > 0 and received == before)


def check_interstate(files: list[list[dict[str, str]]], counted: dict[str, dict[str, Any]]) -> dict[str, object]:
    """10,605 rows give 8,713 distinct hours."""
    hours = len({row["date_time"] for row in files[0]})
    times = max(device["distinct_times"] for device in counted.values())
    assert (len(files[0]), hours, times) == (10605, 8713, 8713), (len(files[0]), hours, times)
    return {"distinct_hours": times}


def check_uci(files: list[list[dict[str, str]]], counted: dict[str, dict[str, Any]]) -> dict[str, object]:
    """-200 is a mark, never a value. AH is not replayed: it holds a vapour pressure under another name."""
    lowest = min(device["lowest"] for device in counted.values())
    cells = [value for row in files[0] for name, value in row.items() if name != "AH" and value]
    marks = sum(value.strip() in {"-200", "-200.0"} for value in cells)
    assert lowest > -200, f"{lowest} stored as a value"
    assert sum(device["missing"] for device in counted.values()) == marks, f"{marks} marks in the file"
    return {"marks_in_file": marks, "lowest_value": lowest}


def check_telraam(files: list[list[dict[str, str]]], counted: dict[str, dict[str, Any]]) -> dict[str, object]:
    """Local hours become distinct UTC hours across both clock changes; the file labels one of them like the next."""
    hours = len(files[0])
    assert len({row["date"] for row in files[0]}) == hours - 1, "both hours at two o'clock are marked CET"
    device = next(iter(counted.values()))
    assert device["distinct_times"] == hours, f"{device['distinct_times']} UTC hours from {hours} local ones"
    first = files[0][0]["date"]
    return {"first_local": first, "first_utc": device["first_time"], "distinct_hours": hours}


CHECKS = {"metro_interstate": check_interstate, "uci_italy": check_uci, "telraam": check_telraam}
