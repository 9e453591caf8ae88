"""Rolling several verdicts up into one flag (IOOS QARTOD, as in ioos_qc)."""

from collections.abc import Iterable

from devices.model import QualityFlag

# Names of their own: each look-up of a member in its Enum costs what a whole test does (80 ns).
GOOD, NOT_EVALUATED, SUSPECT, FAIL, MISSING = QualityFlag

# Low to high: one pass hides "not evaluated", a fault hides a pass.
PRECEDENCE = {
    MISSING: 0,
    NOT_EVALUATED: 1,
    GOOD: 2,
    SUSPECT: 3,
    FAIL: 4,
}


def roll_up(flags: Iterable[QualityFlag]) -> QualityFlag:
    """Return the flag of highest precedence."""
    return max(flags, key=PRECEDENCE.__getitem__)
