"""PeMS daily verdicts at and just beyond each limit, and the checks of one row."""

import pytest

from devices.model import QualityFlag
from indicators.detector_health import DetectorStatus, Sample, daily_status, row_verdict, silent_level
from indicators.errors import IndicatorError

DAY = 2040


def day(*parts: tuple[int, Sample]) -> list[Sample]:
    """Return parts one after the other, filled up with varied good samples to a whole day."""
    samples = [sample for count, sample in parts for _ in range(count)]
    return samples + [(5.0, 0.05 + at % 97 / 1000) for at in range(DAY - len(samples))]


@pytest.mark.parametrize(
    ("samples", "road", "status"),
    [
        pytest.param(day((DAY, None)), "urban", "no_data", id="nothing came"),
        pytest.param(day((816, None)), "urban", "insufficient_data", id="1224 samples are too few"),
        pytest.param(day((815, None)), "urban", "good", id="1225 are enough"),
        pytest.param(day((1203, (0.0, 0.0))), "urban", "good", id="58.97 % empty"),
        pytest.param(day((1204, (0.0, 0.0))), "urban", "card_off", id="59.02 % empty"),
        pytest.param(day((1204, (0.0, 0.0))), "rural", "good", id="a quiet rural road"),
        pytest.param(day((DAY, (0.0, 0.0))), "low_volume", "good", id="a low-volume road may be empty all day"),
        pytest.param(day((1939, (0.0, 0.0))), "ramp", "card_off", id="a ramp is judged by flow"),
        pytest.param(day((408, (5.0, 0.71))), "urban", "good", id="20 % high is not more than 20 %"),
        pytest.param(day((409, (5.0, 0.71))), "urban", "high_value", id="20.05 % high"),
        pytest.param(day((409, (21.0, 0.1))), "ramp", "high_value", id="a ramp counts more than 20 in 30 s"),
        pytest.param(day((40, (0.0, 0.1))), "urban", "good", id="1.96 % covered without vehicles"),
        pytest.param(day((41, (0.0, 0.1))), "urban", "intermittent", id="2.01 %"),
        pytest.param(day((1021, (5.0, 0.0))), "urban", "intermittent", id="vehicles without occupancy"),
        pytest.param(day((470, (5.0, 0.125))), "urban", "good", id="47 equal five-minute values"),
        pytest.param(day((480, (5.0, 0.125))), "urban", "constant", id="four hours without change"),
    ],
)
def test_daily_status(samples: list[Sample], road: str, status: str) -> None:
    assert daily_status(samples, road) is DetectorStatus(status)


def test_daily_status_finds_more_than_fifty_repeats_in_pieces() -> None:
    pieces = [(30, (5.0, 0.1 + piece / 1000)) for piece in range(26)]
    assert daily_status(day(*pieces)) is DetectorStatus.CONSTANT, "26 x 2 repeats"
    assert daily_status(day(*pieces[:25])) is DetectorStatus.GOOD, "50 repeats are not more than 50"


def test_daily_status_names_what_it_refuses() -> None:
    with pytest.raises(IndicatorError, match="'alley' road"):
        daily_status([], "alley")
    with pytest.raises(IndicatorError, match="not 2041"):
        daily_status([(1.0, 0.1)] * 2041)


def test_silence_is_laid_to_the_widest_silent_level() -> None:
    received: dict[tuple[str, ...], int] = {
        ("f", "l1", "c1", "s1", "d1"): 0,
        ("f", "l1", "c1", "s1", "d2"): 9,
        ("f", "l1", "c1", "s2", "d3"): 0,
        ("f", "l2", "c2", "s3", "d4"): 0,
    }
    assert silent_level(received) == {
        ("f", "l1", "c1", "s1", "d1"): "detector",
        ("f", "l1", "c1", "s2", "d3"): "station",
        ("f", "l2", "c2", "s3", "d4"): "line",
    }
    with pytest.raises(IndicatorError, match="is not a path of feed"):
        silent_level({("f", "d"): 0})


@pytest.mark.parametrize(
    ("flow", "occupancy", "speed", "flag"),
    [
        pytest.param(1200, 0.12, 65, "GOOD", id="worked example, 6.5 m"),
        pytest.param(3001, 0.2, 60, "FAIL", id="more than a lane carries"),
        pytest.param(600, 1.1, 60, "FAIL", id="occupied more than always"),
        pytest.param(600, 0.1, 161, "FAIL", id="too fast"),
        pytest.param(600, 0.1, 0, "FAIL", id="counted but standing"),
        pytest.param(0, 0, 50, "SUSPECT", id="a speed without vehicles"),
        pytest.param(0, 0.9, 0, "SUSPECT", id="a standing queue is never failed"),
        pytest.param(600, 0.5, 60, "SUSPECT", id="vehicles of 50 m"),
        pytest.param(0, 0, 0, "GOOD", id="an empty road"),
    ],
)
def test_row_verdict(flow: float, occupancy: float, speed: float, flag: str) -> None:
    assert row_verdict(flow, occupancy, speed)[0] is QualityFlag[flag]
