"""Hosts of a proof's own: network namespaces joined by one switch, whose cables can be cut; and a disk to fill.

Both need root and a kernel that allows them; `refusal` says in words what is missing.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
NET = "10.203.77"
FIRST = 10  # the last number of the first host's address; the switch itself is 1
CHUNK = 16 * 2**20


def refusal() -> str:
    """Return why there can be no hosts and no disks here, empty where there can."""
    if os.geteuid() != 0:
        return "only root may make network namespaces and mount disks"
    try:
        with network("try"):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        return f"the kernel refuses: {said}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def _enter(path: str) -> None:
    """Move the calling thread, and whatever it starts, to another network namespace."""
    with Path(path).open("rb") as namespace:
        if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")


@dataclass(frozen=True, slots=True)
class Host:
    """One host: a network namespace with a cable to the switch."""

    namespace: str
    address: str
    cable: str  # the switch's end
    switch: str

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be on this host: whatever is started meanwhile runs on it."""
        _enter(f"/run/netns/{self.namespace}")
        try:
            yield
        finally:
            _enter(f"/run/netns/{self.switch}")

    def cut(self) -> None:
        """Pull the cable: packets vanish, nobody is told."""
        _ip("link", "set", self.cable, "down")

    def join(self) -> None:
        """Put the cable back."""
        _ip("link", "set", self.cable, "up")


@contextmanager
def network(*names: str) -> Iterator[list[Host]]:
    """Make one host for each name, and stand at the switch, which reaches them all, for the length of the block."""
    tag = f"cw{os.getpid()}"
    switch = f"{tag}-switch"
    with ExitStack() as undo:
        _namespace(switch, undo)
        outside = f"/proc/{os.getpid()}/fd/{undo.enter_context(Path('/proc/self/ns/net').open('rb')).fileno()}"
        _enter(f"/run/netns/{switch}")
        undo.callback(_enter, outside)
        _ip("link", "add", "bridge", "type", "bridge")
        _ip("address", "add", f"{NET}.1/24", "dev", "bridge")
        _ip("link", "set", "bridge", "up")
        yield [_host(f"{tag}-{name}", name, number, switch, undo) for number, name in enumerate(names, FIRST)]


def _namespace(name: str, undo: ExitStack) -> None:
    _ip("netns", "add", name)
    undo.callback(_ip, "netns", "delete", name)
    _ip("-n", name, "link", "set", "lo", "up")


def _host(namespace: str, name: str, number: int, switch: str, undo: ExitStack) -> Host:
    _namespace(namespace, undo)
    _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    _ip("link", "set", name, "master", "bridge", "up")
    _ip("-n", namespace, "address", "add", f"{NET}.{number}/24", "dev", "eth0")
    _ip("-n", namespace, "link", "set", "eth0", "up")
    return Host(namespace, f"{NET}.{number}", name, switch)


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system of its own, of a given size."""

    mount: Path
    ballast: Path

    def fill(self) -> None:
        """Take every byte that is left."""
        chunk = CHUNK
        with self.ballast.open("wb") as file:
            while chunk >= 1:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), chunk)
                except OSError:
                    chunk //= 4

    def free(self) -> None:
        """Give them back."""
        self.ballast.unlink(missing_ok=True)


@contextmanager
def disk(folder: Path, gibibytes: int) -> Iterator[Disk]:
    """Mount an ext4 of that size, kept in a sparse file in `folder`, for the length of the block."""
    image, mount = folder / "disk.img", folder / "disk"
    mount.mkdir(mode=0o755)
    with image.open("wb") as file:
        file.truncate(gibibytes * 2**30)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True, capture_output=True)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True, capture_output=True)
    try:
        yield Disk(mount, mount / "ballast")
    finally:
        with suppress(FileNotFoundError):
            (mount / "ballast").unlink()
        subprocess.run(["umount", "--lazy", mount], check=True, capture_output=True)
        image.unlink()
