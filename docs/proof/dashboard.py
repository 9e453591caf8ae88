"""The dashboard, looked at in a real browser on a running city, in parts that run alone.

`PROOF_PARTS=map_100000 make prove ARGS=dashboard` runs one part; the figures of the others stay as they were.
"""

from docs.proof.dashboard_parts import loading, maps, numbers, pages
from docs.proof.report import Figures, run_parts

PARTS = {
    "loading": loading.prove,
    "pages": pages.prove,
    "numbers": numbers.prove,
    "map": maps.one_by_one,
    "map_10000": maps.ten_thousand,
    "map_100000": maps.hundred_thousand,
}


def prove() -> Figures:
    """Look at everything, or at the chosen parts."""
    return run_parts("dashboard", PARTS)
