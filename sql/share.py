"""Which devices are whose, where several divide a city among themselves. Pure."""

from dataclasses import dataclass
from hashlib import sha256


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

        By the first two bytes of the SHA-256 of its id; the store's function `part_of` says the same.
        """
        return self.of == 1 or int.from_bytes(sha256(about.encode()).digest()[:2]) % self.of == self.number


WHOLE = Share()
