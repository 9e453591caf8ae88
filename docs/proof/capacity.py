"""`citywatch bench` on this machine, and the capacity model against a point it was not fitted to: within 25 %."""

import os
import sys
from datetime import timedelta

from benchmarks.machine import measure
from docs.proof.report import Figures

MESSAGES = int(os.environ.get("PROOF_MESSAGES", "20000"))
WITHIN = 0.25


def prove() -> Figures:
    """Measure, and compare what the model says of messages of five readings with what they cost."""
    figures = measure(MESSAGES, timedelta(minutes=5), 3, lambda text: print(text, file=sys.stderr, flush=True))
    check = figures["check"]
    assert isinstance(check, dict)
    assert abs(check["off_by"]) <= WITHIN, figures
    return figures
