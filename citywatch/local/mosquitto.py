"""Finding a dependable Mosquitto: on PATH, or the distribution's package unpacked below our own folder."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from citywatch.errors import BrokerError

# The package and the libraries a small machine may lack; names differ between releases, missing ones are skipped.
PACKAGES = (
    "mosquitto",
    "libwebsockets17",
    "libwebsockets16",
    "libwebsockets19t64",
    "libcjson1",
    "libdlt2",
    "libmosquitto1",
    "libuv1",
    "libuv1t64",
    "libev4",
    "libev4t64",
)


@dataclass(frozen=True, slots=True)
class Mosquitto:
    """A Mosquitto that can be started; `libraries` is where its own libraries lie, None for an installed one."""

    path: Path
    libraries: tuple[Path, ...] = ()

    def environment(self) -> dict[str, str]:
        """Return the environment to start it with."""
        if not self.libraries:
            return dict(os.environ)
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, self.libraries))}

    def runs(self) -> bool:
        """Return whether it starts at all: `-h` exits with 3 after its usage text, a missing library with 127."""
        result = subprocess.run([self.path, "-h"], capture_output=True, env=self.environment(), check=False)
        return b"mosquitto version" in result.stdout


def find_mosquitto(folder: Path) -> Mosquitto:
    """Return the first that runs: on PATH (Debian keeps it in /usr/sbin), unpacked before, or unpacked now."""
    installed = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if installed:
        return Mosquitto(Path(installed))
    unpacked = _unpacked(folder)
    if unpacked is None:
        _download(folder)
        unpacked = _unpacked(folder)
    if unpacked is None:
        raise BrokerError(
            "no Mosquitto here and none could be downloaded: "
            "install it (apt install mosquitto) or set CITYWATCH_BROKER__HOST"
        )
    return unpacked


def _unpacked(folder: Path) -> Mosquitto | None:
    path = folder / "mosquitto" / "usr" / "sbin" / "mosquitto"
    if not path.exists():
        return None
    found = Mosquitto(path, tuple(sorted((folder / "mosquitto" / "usr" / "lib").glob("*-linux-gnu*"))))
    return found if found.runs() else None


def _download(folder: Path) -> None:
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg")
    if apt is None or dpkg is None:
        return
    target = folder / "mosquitto"
    target.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        subprocess.run([apt, "download", "-qq", package], cwd=target, capture_output=True, check=False)
    for archive in target.glob("*.deb"):
        subprocess.run([dpkg, "-x", archive, target], capture_output=True, check=False)
