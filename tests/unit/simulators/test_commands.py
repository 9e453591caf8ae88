"""The commands: what they write, and what they answer to wrong usage."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import citywatch.__main__  # noqa: F401  registers the commands
from citywatch.cli import app
from citywatch.errors import CitywatchError, MappingError
from simulators.bench import bench_profiles

SAMPLES = Path(__file__).resolve().parents[3] / "simulators" / "samples"
runner = CliRunner()


def test_simulate_writes_registry_and_base_map(tmp_path: Path) -> None:
    result = runner.invoke(
        app, ["simulate", "--devices", "40", "--seed", "3", "--registry", str(tmp_path / "a" / "city.json")]
    )
    assert (result.exit_code, result.output.split(": ")[1]) == (0, "40 devices in 9 districts\n")
    assert len(json.loads((tmp_path / "a" / "city.json").read_text())["devices"]) == 40
    assert json.loads((tmp_path / "a" / "basemap.geojson").read_text())["type"] == "FeatureCollection"


def test_a_warped_city_is_registered_on_a_replay_source(tmp_path: Path) -> None:
    runner.invoke(app, ["simulate", "--devices", "5", "--warp", "60", "--registry", str(tmp_path / "city.json")])
    document = json.loads((tmp_path / "city.json").read_text())
    assert document["sources"] == [{"source_id": "simulator", "kind": "replay"}]
    assert {device["source_id"] for device in document["devices"]} == {"simulator"}


def test_one_device_type_is_simulated_alone(tmp_path: Path) -> None:
    for profile in bench_profiles():
        options = ["--profile", profile, "--devices", "3", "--registry", str(tmp_path / "city.json")]
        assert runner.invoke(app, ["simulate", *options]).exit_code == 0, profile
        devices = json.loads((tmp_path / "city.json").read_text())["devices"]
        assert [device["profile"] for device in devices] == [profile] * 3
    with pytest.raises(CitywatchError, match="milesight/em310-udl"):
        runner.invoke(app, ["simulate", "--profile", "acme/1"], catch_exceptions=False)


def test_replay_writes_the_registry_of_its_files(tmp_path: Path) -> None:
    files = [str(path) for path in sorted(SAMPLES.glob("*.csv"))]
    result = runner.invoke(app, ["replay", *files, "--registry", str(tmp_path / "devices.json")])
    assert result.exit_code == 0
    assert "19 devices, 3 replay sources" in result.output


def test_mappings_are_listed_with_their_licence() -> None:
    lines = runner.invoke(app, ["mappings"]).output.splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("beijing ") and lines[0].endswith("(CC BY 4.0)")


@pytest.mark.parametrize(
    "arguments",
    [
        ["simulate", "--devices", "0"],
        ["simulate", "--connections", "pigeon"],
        ["replay", "no-such-file.csv"],
        ["replay", str(SAMPLES / "i94_2017-06-14.csv"), "--speed", "0"],
        ["replay", str(SAMPLES / "i94_2017-06-14.csv"), "--since", "yesterday"],
        ["record", "notes.txt"],
        ["record", str(SAMPLES / "README.md")],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert runner.invoke(app, arguments).exit_code == 2


def test_what_cannot_be_done_says_why(tmp_path: Path) -> None:
    sample = str(SAMPLES / "i94_2017-06-14.csv")
    span = runner.invoke(app, ["replay", sample, "--since", "2030-01-01", "--registry", str(tmp_path / "r.json")])
    assert isinstance(span.exception, MappingError)
    assert "nothing to replay" in str(span.exception)
    scenario = runner.invoke(app, ["simulate", "--scenario", "doom"])
    assert isinstance(scenario.exception, CitywatchError)
    date = runner.invoke(app, ["simulate", "--start", "2020-01-01T00:00:00+00:00"])
    assert "needs --warp" in str(date.exception)
