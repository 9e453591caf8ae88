"""`citywatch indicators compute us_aqi`, word for word as it is promised to scripts."""

import json

from typer.testing import CliRunner

import citywatch.__main__  # noqa: F401  registers the commands
from citywatch.cli import app

runner = CliRunner()


def test_us_aqi_answers_a_line_for_each_line() -> None:
    asked = [{"pm2_5": 35.9}, {"o3_8h": 0.0785}, {"so2_1h": 75}, {"co_8h": 8.4}]
    result = runner.invoke(app, ["indicators", "compute", "us_aqi"], input="\n".join(map(json.dumps, asked)) + "\n")
    answers = [json.loads(line) for line in result.output.splitlines()]
    assert result.exit_code == 0
    assert [answer["value"] for answer in answers] == [102, 126, 100, 90]
    assert [answer["responsible"] for answer in answers] == [["pm2_5"], ["o3"], ["so2"], ["co"]]
    assert all(answer["edition"] for answer in answers)


def test_every_indicator_is_listed() -> None:
    listed = json.loads(runner.invoke(app, ["indicators", "list", "--json"]).output)
    assert {"us_aqi", "european_aqi"} <= {entry["name"] for entry in listed}
