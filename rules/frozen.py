"""Rule state as JSON and back: what checkpoints and the evidence of alerts are written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from devices.model import QualityFlag
from rules.difference import Evidence
from rules.engine import Track
from rules.leaf import Memory
from rules.model import Episode, Sample
from rules.stream import Stream


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


def freeze_stream(stream: Stream) -> dict[str, Any]:
    """Return all that is known of one device as JSON values."""
    return {
        "horizon": stream.horizon,
        "versions": stream.versions,
        "floors": stream.floors,
        "settled": {name: freeze_track(track) for name, track in stream.settled.items()},
        "tip": {name: freeze_track(track) for name, track in stream.tip.items()},
        "said": {
            name: [[each.raised_at, each.cleared_at, each.silent] for each in told]
            for name, told in stream.said.items()
            if told
        },
        "recent": [freeze_sample(sample) for sample in stream.recent],
        "crowds": {
            name: {
                who: [[each.raised_at, each.cleared_at, each.silent] for each in episodes]
                for who, episodes in told.items()
            }
            for name, told in stream.crowds.items()
        },
    }


def thaw_stream(frozen: Mapping[str, Any]) -> Stream:
    """Return the stream that was frozen."""
    return Stream(
        settled={name: thaw_track(track) for name, track in frozen["settled"].items()},
        tip={name: thaw_track(track) for name, track in frozen["tip"].items()},
        said={name: [_episode(each) for each in told] for name, told in frozen["said"].items()},
        recent=[thaw_sample(each) for each in frozen["recent"]],
        horizon=datetime.fromisoformat(frozen["horizon"]),
        versions=dict(frozen["versions"]),
        floors={name: datetime.fromisoformat(text) for name, text in frozen["floors"].items()},
        crowds={
            name: {who: [_episode(each) for each in episodes] for who, episodes in told.items()}
            for name, told in frozen.get("crowds", {}).items()
        },
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _memory(frozen: Sequence[Any] | None) -> Memory | None:
    return None if frozen is None else tuple(map(_thaw, frozen))


def _thaw(kept: Any) -> Any:
    if isinstance(kept, str):
        return datetime.fromisoformat(kept)
    return tuple(map(_thaw, kept)) if isinstance(kept, list) else kept


def _episode(frozen: Sequence[Any]) -> Episode:
    return Episode(datetime.fromisoformat(frozen[0]), _instant(frozen[1]), frozen[2])
