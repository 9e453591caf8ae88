"""Rolling several verdicts up into one flag (IOOS QARTOD, as in ioos_qc)."""

from collections.abc import Iterable

from devices.model import QualityFlag

# Low to high: one pass hides "not evaluated", a fault hides a pass.
PRECEDENCE = {
    QualityFlag.MISSING: 0,
    QualityFlag.NOT_EVALUATED: 1,
    QualityFlag.GOOD: 2,
    QualityFlag.SUSPECT: 3,
    QualityFlag.FAIL: 4,
}


def roll_up(flags: Iterable[QualityFlag]) -> QualityFlag:
    """Return the flag of highest precedence."""
    return max(flags, key=PRECEDENCE.__getitem__)
