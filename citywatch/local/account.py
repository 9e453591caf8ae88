"""PostgreSQL refuses to run as root: how a root user's embedded server gets an identity that is not."""

import ctypes
import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from citywatch.errors import CitywatchError

_CLONE_NEWUSER = 0x10000000
CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as. `enter` is run in the child; `uid` and `gid` own the data, None: whoever started us."""

    enter: Callable[[], None] | None
    uid: int | None = None
    gid: int | None = None


def _reachable(path: Path, uid: int, gid: int) -> bool:
    """Return whether the account can pass every folder above `path` and read it."""
    for part in [path, *path.parents]:
        if not part.exists():
            continue
        stat = part.stat()
        shift = 6 if stat.st_uid == uid else 3 if stat.st_gid == gid else 0
        need = 0b001 if part != path else 0b101
        if (stat.st_mode >> shift) & need != need:
            return False
    return True


def _drop_to(uid: int, gid: int) -> Callable[[], None]:
    def enter() -> None:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)

    return enter


def _rename_root() -> None:
    """Enter a user namespace in which root is called 1000: same files, same rights, but not root to PostgreSQL."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        os._exit(71)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text("1000 0 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text("1000 0 1", encoding="ascii")


def _may_rename_root() -> bool:
    child = os.fork()
    if child == 0:
        try:
            _rename_root()
            os._exit(0)
        except OSError:
            os._exit(71)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def choose_account(*paths: Path) -> Account:
    """Return the account for a server that needs to read `paths`; raise CitywatchError saying how to mend it."""
    if os.geteuid() != 0:
        return Account(None)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if all(_reachable(path.resolve(), entry.pw_uid, entry.pw_gid) for path in paths):
            return Account(_drop_to(entry.pw_uid, entry.pw_gid), entry.pw_uid, entry.pw_gid)
    if _may_rename_root():
        return Account(_rename_root)
    raise CitywatchError(
        f"PostgreSQL does not run as root, and no other account can read {paths[0].resolve()}: "
        "run as a normal user, or move the project to a folder others can enter, such as /opt"
    )
