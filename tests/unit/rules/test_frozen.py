"""What a checkpoint keeps of a device comes back the same, in today's form and in the one before it."""

from datetime import UTC, datetime, timedelta

import orjson

from devices.model import QualityFlag
from rules.engine import Track
from rules.frozen import freeze_sample, freeze_stream, freeze_track, thaw_stream
from rules.model import Episode, Sample
from rules.stream import Stream

AT = datetime(2026, 11, 25, 8, 30, 0, 250_000, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
STREAM = Stream(
    settled={"hot": Track(((AT, 21.5),), AT, None, None)},
    tip={"hot": Track(((LATER, 41.5, ((AT, 1.0), (LATER, 2.0))), None), LATER, AT, LATER, True)},
    said={"hot": [Episode(AT, LATER), Episode(LATER, None, True)]},
    recent=[
        Sample(AT, {"temperature": (21.5, QualityFlag.GOOD), "humidity": (None, QualityFlag.MISSING)}),
        Sample(LATER, {"temperature": (41.5, QualityFlag.SUSPECT)}),
    ],
    horizon=AT,
    versions={"hot": 3},
    floors={"hot": AT},
    crowds={"many#0": {"device-1": [Episode(AT)], "device-2": []}},
)


def test_a_stream_comes_back() -> None:
    assert thaw_stream(freeze_stream(STREAM)) == STREAM
    assert thaw_stream(freeze_stream(Stream())) == Stream()


def test_a_stream_kept_before_0240_comes_back() -> None:
    def lists(told: list[Episode]) -> list[list[object]]:
        return [[each.raised_at, each.cleared_at, each.silent] for each in told]

    kept = {
        "horizon": STREAM.horizon,
        "versions": STREAM.versions,
        "floors": STREAM.floors,
        "settled": {name: freeze_track(track) for name, track in STREAM.settled.items()},
        "tip": {name: freeze_track(track) for name, track in STREAM.tip.items()},
        "said": {name: lists(told) for name, told in STREAM.said.items()},
        "recent": [freeze_sample(sample) for sample in STREAM.recent],
        "crowds": {name: {who: lists(e) for who, e in told.items()} for name, told in STREAM.crowds.items()},
    }
    assert thaw_stream(orjson.dumps(kept)) == STREAM
