"""Which devices are whose, where several divide a city among themselves. Pure."""

from dataclasses import dataclass
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Share:
    """Part `number` of a city in `of` parts; the first is 0. Undivided by default."""

    number: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of:
            raise ValueError(
                f"there is no part {self.number} of a city in {self.of} parts: they are 0 to {self.of - 1}"
            )

    @property
    def is_whole(self) -> bool:
        """Return whether this is all there is."""
        return self.of == 1

    def holds(self, about: str) -> bool:
        """Say whether a device or area belongs to this part.

        By the CRC-32 of its id, which is the same in every process, version and machine.
        """
        return self.of == 1 or crc32(about.encode()) % self.of == self.number


WHOLE = Share()
