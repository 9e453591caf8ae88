"""Device lists into and out of a real store: every fault told, nothing half done, nobody overwritten."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from citywatch.cli.devices import app
from citywatch.errors import RegistryError, SettingsError
from citywatch.settings import load_settings
from devices.bulk import BulkReport, import_devices, read_devices
from devices.device_file import COLUMNS, FaultKind, write_lines
from devices.model import Domain
from devices.profiles import BUILTIN, load_profiles
from devices.registry import import_registry
from sql.connection import Connection, Pool

PROFILES: dict[str, Domain] = {key: profile.domain for key, profile in load_profiles(BUILTIN).items()}


def square(west: float, south: float) -> dict[str, Any]:
    ring = [[west, south], [west + 0.1, south], [west + 0.1, south + 0.1], [west, south + 0.1], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


CITY = {
    "districts": [
        {"district_id": "north", "name": "North", "polygon": square(13.4, 52.5)},
        {"district_id": "south", "name": "South", "polygon": square(13.4, 52.4)},
    ],
    "sites": [{"site_id": "depot", "name": "Depot", "district_id": "north", "latitude": 52.55, "longitude": 13.45}],
    "devices": [{"device_id": "old-1", "profile": "citywatch/bin", "domain": "waste", "tags": {"street": "Main"}}],
}


@pytest.fixture
async def city(pool: Pool) -> AsyncIterator[Connection]:
    async with pool.acquire() as connection:
        await import_registry(connection, CITY)
        yield connection


async def take(connection: Connection, text: str | bytes, *, dry_run: bool = False) -> BulkReport:
    content = text if isinstance(text, bytes) else text.encode()
    return await import_devices(connection, content, PROFILES, dry_run=dry_run)


async def registered(connection: Connection) -> dict[str, dict[str, Any]]:
    return {one["device_id"]: one async for one in read_devices(connection)}


# column, cell -> kind; `{}` stands in for what is right in every other column
FAULTS: list[tuple[dict[str, str], FaultKind]] = [
    ({"name": "caf\udce9"}, FaultKind.NOT_UTF8),
    ({"name": "caf\ufffd"}, FaultKind.LOST_CHARACTER),
    ({"name": "a\nb"}, FaultKind.CONTROL_CHARACTER),
    ({"tags": "x" * 4001}, FaultKind.CELL_TOO_LONG),
    ({"name": "#REF!"}, FaultKind.SPREADSHEET_ERROR),
    ({"name": '=HYPERLINK("x")'}, FaultKind.FORMULA),
    ({"device_id": ""}, FaultKind.ID_MISSING),
    ({"device_id": "-x"}, FaultKind.ID_START),
    ({"device_id": "a b"}, FaultKind.ID_CHARACTER),
    ({"device_id": "a" * 65}, FaultKind.ID_TOO_LONG),
    ({"device_id": "2.46E+15"}, FaultKind.ID_SCIENTIFIC),
    ({"device_id": "good"}, FaultKind.ID_TWICE),
    ({"device_id": "GOOD"}, FaultKind.ID_CASE),
    ({"profile": ""}, FaultKind.PROFILE_MISSING),
    ({"profile": "bin"}, FaultKind.PROFILE_FORM),
    ({"profile": "acme/none"}, FaultKind.PROFILE_UNKNOWN),
    ({"domain": "water"}, FaultKind.DOMAIN_UNKNOWN),
    ({"name": "n" * 201}, FaultKind.NAME_TOO_LONG),
    ({"site_id": "s" * 65}, FaultKind.SITE_TOO_LONG),
    ({"site_id": "nowhere"}, FaultKind.SITE_UNKNOWN),
    ({"site_id": "depot", "latitude": "52.41", "longitude": "13.41"}, FaultKind.SITE_ELSEWHERE),
    ({"district_id": "d" * 65}, FaultKind.DISTRICT_TOO_LONG),
    ({"district_id": "west"}, FaultKind.DISTRICT_UNKNOWN),
    ({"district_id": "south", "latitude": "52.55", "longitude": "13.45"}, FaultKind.DISTRICT_OTHER),
    ({"district_id": "south", "latitude": "52.0", "longitude": "13.45"}, FaultKind.DISTRICT_OUTSIDE),
    ({"latitude": "north", "longitude": "13.45"}, FaultKind.LATITUDE_NOT_A_NUMBER),
    ({"latitude": "52,55", "longitude": "13.45"}, FaultKind.LATITUDE_COMMA),
    ({"latitude": "52°33'N", "longitude": "13.45"}, FaultKind.LATITUDE_DEGREES),
    ({"latitude": "95.2", "longitude": "13.45"}, FaultKind.LATITUDE_RANGE),
    ({"latitude": "52.55"}, FaultKind.LATITUDE_ALONE),
    ({"latitude": "52.55", "longitude": "nan"}, FaultKind.LONGITUDE_NOT_A_NUMBER),
    ({"latitude": "52.55", "longitude": "13,45"}, FaultKind.LONGITUDE_COMMA),
    ({"latitude": "52.55", "longitude": "13.45E"}, FaultKind.LONGITUDE_DEGREES),
    ({"latitude": "52.55", "longitude": "-181"}, FaultKind.LONGITUDE_RANGE),
    ({"longitude": "13.45"}, FaultKind.LONGITUDE_ALONE),
    ({"latitude": "0", "longitude": "0.0"}, FaultKind.LOCATION_ZERO),
    ({"latitude": "13.45", "longitude": "52.55"}, FaultKind.LOCATION_SWAPPED),
    ({"source_id": "s" * 65}, FaultKind.SOURCE_TOO_LONG),
    ({"source_id": "dream"}, FaultKind.SOURCE_UNKNOWN),
    ({"expected_interval": "60"}, FaultKind.INTERVAL_WITHOUT_UNIT),
    ({"expected_interval": "hourly"}, FaultKind.INTERVAL_FORM),
    ({"expected_interval": "0s"}, FaultKind.INTERVAL_ZERO),
    ({"expected_interval": "10ms"}, FaultKind.INTERVAL_SHORT),
    ({"expected_interval": "400d"}, FaultKind.INTERVAL_LONG),
    ({"tags": "{street: Main}"}, FaultKind.TAGS_NOT_JSON),
    ({"tags": "[1]"}, FaultKind.TAGS_NOT_AN_OBJECT),
    ({"tags": '{"a": {"b": 1}}'}, FaultKind.TAGS_NESTED),
    ({"tags": "{" + ",".join(f'"t{n}": {n}' for n in range(51)) + "}"}, FaultKind.TAGS_TOO_MANY),
    ({"tags": '{"license_plate": "B-XY 1"}'}, FaultKind.TAGS_PERSONAL),
    ({"version": "two"}, FaultKind.VERSION_NOT_A_NUMBER),
    ({"version": "0"}, FaultKind.VERSION_RANGE),
    ({"device_id": "old-1", "version": "7"}, FaultKind.VERSION_STALE),
    ({"version": "1"}, FaultKind.VERSION_WITHOUT_DEVICE),
]
IN_THE_FORM = {
    FaultKind.UNKNOWN_COLUMN, FaultKind.UNNAMED_COLUMN, FaultKind.COLUMN_TWICE,
    FaultKind.TOO_MANY_CELLS, FaultKind.TOO_FEW_CELLS, FaultKind.OPEN_QUOTE,
}  # fmt: skip


def faulty_file() -> bytes:
    """A list with one right line, a line for each fault, and a header and an end that are wrong too."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, "colour", "", "name"])
    right = {"device_id": "good", "profile": "citywatch/bin"}
    for at, cells in enumerate([{}, *(cells for cells, _ in FAULTS)]):
        row = right | ({"device_id": f"dev-{at}"} if at else {}) | cells
        writer.writerow([*(row.get(column, "") for column in COLUMNS), "", "", ""])
    writer.writerow(["few", "citywatch/bin"])
    writer.writerow(["many", "citywatch/bin", *[""] * 14])
    out.write('open,"citywatch/bin,,\n')
    return out.getvalue().encode("utf-8", "surrogateescape")


async def test_every_one_of_fifty_kinds_of_fault_is_told_and_nothing_changes(city: Connection) -> None:
    before = await registered(city)
    report = await take(city, faulty_file(), dry_run=True)
    told = {fault.kind for fault in report.faults}
    assert told == {kind for _, kind in FAULTS} | IN_THE_FORM
    assert len(told) >= 50
    # Each line says what is wrong with it, and nothing else.
    by_line = {
        number: [f.kind for f in report.faults if f.line == number] for number in {f.line for f in report.faults}
    }
    number = 3
    for cells, kind in FAULTS:
        assert by_line[number] == [kind], (number, cells)
        number += 2 if "\n" in cells.get("name", "") else 1
    assert (await take(city, faulty_file())).faults == report.faults
    assert await registered(city) == before


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(b"", FaultKind.NO_HEADER, id="nothing"),
        pytest.param(b"\n\n", FaultKind.NO_HEADER, id="empty lines"),
        pytest.param(b"profile\ncitywatch/bin\n", FaultKind.NO_ID_COLUMN, id="no column for the id"),
    ],
)
async def test_a_file_without_a_header_is_refused(city: Connection, content: bytes, kind: FaultKind) -> None:
    assert [fault.kind for fault in (await take(city, content)).faults] == [kind]


async def test_a_location_assigns_the_district_and_the_profile_the_domain(city: Connection) -> None:
    text = (
        "\ufeffdevice_id;profile;latitude;longitude\r\nb-1;citywatch/bin;52.45;13.45\r\n\r\nb-2;citywatch/air;51;13\r\n"
    )
    report = await take(city, text)
    assert (report.faults, report.new, report.changed) == ((), 2, 0)
    devices = await registered(city)
    assert (devices["b-1"]["district_id"], devices["b-1"]["domain"]) == ("south", "waste")
    assert (devices["b-2"]["district_id"], devices["b-2"]["domain"]) == (None, "air")


async def test_what_is_exported_comes_back_unchanged_and_a_stale_version_is_refused(city: Connection) -> None:
    await take(city, "device_id,profile,latitude,longitude\nb-1,citywatch/bin,52.45,13.45\n")
    exported = "".join(write_lines([{**one, "tags": '{"street": "Main"}' if one["tags"] else ""}
                                    for one in (await registered(city)).values()]))  # fmt: skip
    report = await take(city, exported)
    assert (report.faults, report.new, report.changed, report.unchanged) == ((), 0, 0, 2)

    assert (await take(city, "device_id,name,version\nold-1,renamed,1\n")).changed == 1
    device = (await registered(city))["old-1"]
    # Columns that the file does not have keep what they held.
    assert (device["name"], device["tags"], device["version"]) == ("renamed", {"street": "Main"}, 2)
    (fault,) = (await take(city, exported)).faults
    assert (fault.kind, fault.value) == (FaultKind.VERSION_STALE, "1")
    assert (await registered(city))["old-1"]["name"] == "renamed"


async def test_a_dry_run_counts_what_it_takes_back(city: Connection) -> None:
    before = await registered(city)
    report = await take(city, "device_id,profile,name\nb-1,citywatch/bin,\nold-1,citywatch/bin,new\n", dry_run=True)
    assert (report.new, report.changed, report.dry_run) == (1, 1, True)
    assert await registered(city) == before


async def test_ten_thousand_devices_are_imported_with_progress(city: Connection) -> None:
    lines = [f"bin-{n},citywatch/bin,Bin {n},{52.4 + n % 200 / 1000},{13.4 + n % 97 / 1000}" for n in range(10_000)]
    text = "\n".join(["device_id,profile,name,latitude,longitude", *lines])
    steps: list[tuple[int, int]] = []
    report = await import_devices(
        city, text.encode(), PROFILES, progress=lambda done, total: steps.append((done, total))
    )
    assert (report.faults, report.new) == ((), 10_000)
    assert steps == [(done, 10_000) for done in range(1000, 10_001, 1000)]
    assert await city.fetchval("SELECT count(*) FROM device WHERE district_id = 'north'") > 4000


async def test_what_is_stored_already_is_no_fault_of_the_file(city: Connection) -> None:
    await city.execute("UPDATE device SET latitude = 52.123456789, longitude = 13.987654321, district_id = 'north'")
    text = "".join(write_lines([{**one, "tags": ""} async for one in read_devices(city)]))
    assert (await take(city, text, dry_run=True)).faults == ()
    moved = text.replace("13.987654321", "13.98")
    assert [one.kind for one in (await take(city, moved, dry_run=True)).faults] == [FaultKind.DISTRICT_OUTSIDE]


@pytest.fixture
def command(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """`citywatch devices` with these arguments, on this test's own database."""
    monkeypatch.setenv("CITYWATCH_STORE__DSN", dsn)
    load_settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(app, arguments)
    load_settings.cache_clear()


def test_the_command_recognises_what_it_is_given(command: Callable[..., Any], tmp_path: Path) -> None:
    city, good, bad = tmp_path / "city.json", tmp_path / "good.csv", tmp_path / "bad.csv"
    city.write_text(json.dumps(CITY))
    good.write_text("device_id,profile\nb-1,citywatch/bin\n")
    bad.write_text("device_id,profile\nb-1,acme/none\n")

    assert "2 districts, 1 site, 1 device: 1 new, 0 changed" in command("import", str(city)).stdout
    refused = command("import", str(bad))
    assert isinstance(refused.exception, RegistryError)
    assert f"{bad}: line 2: profile: 'acme/none': there is no such profile" in refused.stdout
    assert "1 new" in command("import", str(good), "--dry-run").stdout
    assert len(command("list").stdout.splitlines()) == 1
    assert json.loads(command("import", str(good), "--json").stdout)["new"] == 1
    listed = [json.loads(line) for line in command("list", "--json").stdout.splitlines()]
    assert [one["device_id"] for one in listed] == ["b-1", "old-1"]
    good.write_text(command("export").stdout)
    assert good.read_text().splitlines()[0] == ",".join(COLUMNS)
    assert "0 new, 0 changed, 2 as they were" in command("import", str(good)).stdout
    # A repository, and nowhere to put its profiles
    assert isinstance(command("import", str(tmp_path)).exception, SettingsError)
