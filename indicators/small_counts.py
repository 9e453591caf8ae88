"""Which counts of people may be published: none between 1 and 4, and none that the total would give away."""

from collections.abc import Mapping, Sequence

from indicators.errors import IndicatorError

SAFE_FROM = 5


def suppress(counts: Sequence[int], safe_from: int = SAFE_FROM) -> list[int | None]:
    """Return `counts` of one row whose total is published, None where a count must not be shown.

    Counts above 0 and below `safe_from` are hidden; a single hidden one could be got back from the total, so the
    smallest other count above 0 is hidden with it. True zeros stay. Practice after the SDC Handbook.
    """
    if min(counts, default=0) < 0:
        raise IndicatorError(f"{min(counts)} is not a count")
    hidden = {at for at, count in enumerate(counts) if 0 < count < safe_from}
    if len(hidden) == 1:
        others = [(count, at) for at, count in enumerate(counts) if count > 0 and at not in hidden]
        hidden |= {min(others)[1]} if others else set()
    return [None if at in hidden else count for at, count in enumerate(counts)]


def suppress_by_name(counts: Mapping[str, int], safe_from: int = SAFE_FROM) -> dict[str, int | None]:
    """Return `suppress` of the named counts, under their names."""
    return dict(zip(counts, suppress(list(counts.values()), safe_from), strict=True))
