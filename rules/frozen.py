"""Rule state as JSON and back: what checkpoints and the evidence of alerts are written in."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from devices.model import QualityFlag
from rules.difference import Evidence
from rules.engine import Track
from rules.leaf import Memory
from rules.model import Episode, Sample
from rules.stream import Stream

_FAST = 1  # zlib level: a tenth of the size in a fifth of the time that the store takes to parse JSON


def freeze_track(track: Track) -> dict[str, Any]:
    """Return the track as JSON values; instants stay datetimes, which the store's codec writes."""
    return {
        "memories": [list(memory) if memory else None for memory in track.memories],
        "judged_at": track.judged_at,
        "since": track.since,
        "raised_at": track.raised_at,
        "silent": track.silent,
    }


def thaw_track(frozen: Mapping[str, Any]) -> Track:
    """Return the track that was frozen."""
    return Track(
        memories=tuple(_memory(each) for each in frozen["memories"]),
        judged_at=_instant(frozen["judged_at"]),
        since=_instant(frozen["since"]),
        raised_at=_instant(frozen["raised_at"]),
        silent=frozen["silent"],
    )


def freeze_sample(sample: Sample) -> list[Any]:
    """Return `[time, {property: [result, quality]}]`."""
    return [sample.at, {name: [result, int(flag)] for name, (result, flag) in sample.values.items()}]


def thaw_sample(frozen: Sequence[Any]) -> Sample:
    """Return the sample that was frozen."""
    values = {name: (result, QualityFlag(flag)) for name, (result, flag) in frozen[1].items()}
    return Sample(datetime.fromisoformat(frozen[0]), values)


def freeze_evidence(evidence: Evidence) -> dict[str, Any]:
    """Return the evidence of an alert as JSON values."""
    return {"track": freeze_track(evidence.track), "samples": [freeze_sample(each) for each in evidence.samples]}


def thaw_evidence(frozen: Mapping[str, Any]) -> Evidence:
    """Return the evidence that was frozen."""
    return Evidence(thaw_track(frozen["track"]), tuple(thaw_sample(each) for each in frozen["samples"]))


def freeze_stream(stream: Stream) -> bytes:
    """Return all that is known of one device as compressed JSON.

    Most of it are recent samples and episodes, which orjson writes as the dataclasses they are: a checkpoint freezes
    thousands of streams, and nothing is judged meanwhile.
    """
    kept = {
        "horizon": stream.horizon,
        "versions": stream.versions,
        "floors": stream.floors,
        "settled": {name: freeze_track(track) for name, track in stream.settled.items()},
        "tip": {name: freeze_track(track) for name, track in stream.tip.items()},
        "said": {name: told for name, told in stream.said.items() if told},
        "recent": stream.recent,
        "crowds": stream.crowds,
        "outages": stream.outages,
    }
    return zlib.compress(orjson.dumps(kept), _FAST)


def thaw_stream(frozen: bytes) -> Stream:
    """Return the stream that was frozen; also where it was kept as plain JSON, with samples and episodes as lists."""
    kept = orjson.loads(frozen if frozen.startswith(b"{") else zlib.decompress(frozen))
    return Stream(
        settled={name: thaw_track(track) for name, track in kept["settled"].items()},
        tip={name: thaw_track(track) for name, track in kept["tip"].items()},
        said={name: [_episode(each) for each in told] for name, told in kept["said"].items()},
        recent=[thaw_sample(_fields(each, "at", "values")) for each in kept["recent"]],
        horizon=datetime.fromisoformat(kept["horizon"]),
        versions=kept["versions"],
        floors={name: datetime.fromisoformat(text) for name, text in kept["floors"].items()},
        crowds={
            name: {who: [_episode(each) for each in episodes] for who, episodes in told.items()}
            for name, told in kept.get("crowds", {}).items()
        },
        outages=[(datetime.fromisoformat(since), datetime.fromisoformat(at)) for since, at in kept.get("outages", ())],
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _memory(frozen: Sequence[Any] | None) -> Memory | None:
    return None if frozen is None else tuple(map(_thaw, frozen))


def _thaw(kept: Any) -> Any:
    if isinstance(kept, str):
        return datetime.fromisoformat(kept)
    return tuple(map(_thaw, kept)) if isinstance(kept, list) else kept


def _episode(frozen: Any) -> Episode:
    raised_at, cleared_at, silent = _fields(frozen, "raised_at", "cleared_at", "silent")
    return Episode(datetime.fromisoformat(raised_at), _instant(cleared_at), silent)


def _fields(frozen: Any, *names: str) -> Sequence[Any]:
    return frozen if isinstance(frozen, list) else [frozen[name] for name in names]
