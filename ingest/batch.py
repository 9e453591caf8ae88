"""A batch: what is written, committed and acknowledged together. Closes by rows or by age."""

from dataclasses import dataclass, field

from ingest.model import Accepted, Rejected, Revision, Row, Verdict


@dataclass(slots=True, eq=False)
class Batch:
    """Verdicts in the order of arrival. `opened` is when the first came, in the caller's seconds.

    `lagging`: when it was written, more waited at the broker.
    """

    max_rows: int
    max_age: float
    opened: float | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)
    size: int = 0
    lagging: bool = False

    def add(self, verdict: Verdict, now: float) -> None:
        """Put one verdict in; a message counts as one row at least."""
        if self.opened is None:
            self.opened = now
        self.verdicts.append(verdict)
        self.size += max(1, len(verdict.rows)) if isinstance(verdict, Accepted) else 1

    @property
    def full(self) -> bool:
        """Return whether it has as many rows as a batch may have."""
        return self.size >= self.max_rows

    def due_in(self, now: float) -> float | None:
        """Return the seconds until its age closes it, at least 0; None while it is empty."""
        return None if self.opened is None else max(0.0, self.opened + self.max_age - now)

    @property
    def rows(self) -> list[Row]:
        """Return every row, in the order of arrival."""
        return [row for verdict in self.verdicts if isinstance(verdict, Accepted) for row in verdict.rows]

    @property
    def rejected(self) -> list[Rejected]:
        """Return the rejected messages."""
        return [verdict for verdict in self.verdicts if isinstance(verdict, Rejected)]

    def seal(self) -> "Batch":
        """Close the batch: from here on a change to one of its rows is a revision, in a later batch."""
        for verdict in self.verdicts:
            if isinstance(verdict, Accepted):
                for row in verdict.rows:
                    row.sealed = True
        return self

    def halves(self) -> "tuple[Batch, Batch]":
        """Return two batches of half the messages each; the revisions of earlier rows go with the first."""
        middle = len(self.verdicts) // 2
        first, second = self._of(self.verdicts[:middle]), self._of(self.verdicts[middle:])
        first.revisions = self.revisions
        return first, second

    def _of(self, verdicts: list[Verdict]) -> "Batch":
        part = Batch(self.max_rows, self.max_age)
        for verdict in verdicts:
            part.add(verdict, 0.0)
        return part
