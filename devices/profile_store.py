"""The profiles in force: the built-in ones and the users' own, read again when a file changes."""

from collections.abc import Mapping
from pathlib import Path

from devices.javascript import Sandbox
from devices.profiles import BUILTIN, Profile, load_profiles

# Files that a profile is made of: itself, and a vendor's decoder beside it
WATCHED = ("*.yaml", "*.js")
_Stamp = frozenset[tuple[Path, int, int]]


class ProfileStore:
    """Profiles by key. Later folders win, so that a user's file replaces the built-in one of the same name."""

    def __init__(self, *folders: Path) -> None:
        self.folders = folders or (BUILTIN,)
        self._sandbox = Sandbox()
        self._stamp = self._look()
        self.profiles: Mapping[str, Profile] = load_profiles(*self.folders, sandbox=self._sandbox)

    @property
    def changed(self) -> bool:
        """Return whether a file came, went or changed since the folders were read."""
        return self._look() != self._stamp

    def reload_if_changed(self) -> bool:
        """Read the folders again where a file came, went or changed; tell whether it did.

        Raise ProfileError where a changed file is not acceptable: the profiles before stay in force, and the error is
        raised once, not on every look.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self.profiles = load_profiles(*self.folders, sandbox=self._sandbox)
        return True

    def close(self) -> None:
        """End the process that runs vendors' JavaScript, if one was needed."""
        self._sandbox.close()

    def _look(self) -> _Stamp:
        found = (path for folder in self.folders for pattern in WATCHED for path in folder.rglob(pattern))
        return frozenset((path, at.st_mtime_ns, at.st_size) for path in found if (at := path.stat()))
