"""Progress of long work: one line that is rewritten on a terminal, an occasional log line elsewhere."""

import sys
import time

from citywatch.telemetry import get_logger

log = get_logger()


class Progress:
    """Call it with how much is done of how much; it shows at most five times a second, or logs each five seconds."""

    def __init__(self, label: str) -> None:
        self.label = label
        self._terminal = sys.stderr.isatty()
        self._shown_at = 0.0
        self._begun_at = time.monotonic()
        self._open = False

    def __call__(self, done: int, total: int, detail: str = "") -> None:
        """Show that `done` of `total` is reached; `total` 0 where it is not known."""
        now = time.monotonic()
        if now - self._shown_at < (0.2 if self._terminal else 5.0):
            return
        self._shown_at = now
        share = done / total if total else 0.0
        if not self._terminal:
            log.info("progress", work=self.label, percent=round(100 * share, 1), detail=detail)
            return
        width = 28
        bar = "#" * int(width * share)
        left = (now - self._begun_at) * (1 - share) / share if share > 0.01 else None
        remaining = f", {left:.0f} s left" if left is not None else ""
        sys.stderr.write(f"\r{self.label} [{bar:<{width}}] {100 * share:3.0f} %  {detail}{remaining}\x1b[K")
        sys.stderr.flush()
        self._open = True

    def close(self) -> None:
        """End the line."""
        if self._open:
            sys.stderr.write("\n")
            self._open = False
