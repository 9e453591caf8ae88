"""Children that die with their parent, and ports that are free."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def free_port(wanted: int = 0, host: str = "127.0.0.1") -> int:
    """Return `wanted` if nothing listens there, else the next free port after it, else any free one."""
    for port in [*range(wanted, min(wanted + 20, 65536)), 0] if wanted else [0]:
        with socket.socket() as probe:
            # Without reuse a port in TIME_WAIT counts as taken: a restart would then move away from its own port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {host}")


def _die_with_parent(stop: int, before: Callable[[], None] | None) -> Callable[[], None]:
    parent = os.getpid()

    def prepare() -> None:
        if before is not None:
            before()
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, stop)
            if os.getppid() != parent:  # it died between fork and here
                os._exit(1)

    return prepare


def start_child(
    command: Sequence[str | Path],
    *,
    log: IO[bytes] | int | None = None,
    env: Mapping[str, str] | None = None,
    stop: int = signal.SIGTERM,
    before: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; the kernel sends it `stop` when this process dies, however it dies.

    A session of its own, so that Ctrl-C at a terminal reaches the supervisor only, which stops its children in order.
    `before` runs in the child before the command, for example to give up root.
    """
    return subprocess.Popen(
        [os.fspath(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=None if env is None else dict(env),
        start_new_session=True,
        preexec_fn=_die_with_parent(stop, before),  # noqa: PLW1509  children are started before any thread is
    )
