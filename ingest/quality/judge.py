"""All tests of one reading."""

from devices.model import QualityFlag, QualityTest
from ingest.model import Row
from ingest.quality.flags import PRECEDENCE
from ingest.quality.gross_range import judge_range

_GROSS_RANGE = int(QualityTest.GROSS_RANGE)


def judge(row: Row) -> None:
    """Run the tests that the channel has limits for, and write the verdict into the row."""
    if row.result is None:
        return
    flag = judge_range(row.result, row.channel.limits.gross_range)
    if flag is not QualityFlag.GOOD:
        row.tests |= _GROSS_RANGE
        if PRECEDENCE[flag] > PRECEDENCE[row.quality]:
            row.quality = flag
