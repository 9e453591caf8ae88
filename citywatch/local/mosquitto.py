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
# Debian keeps daemons where a normal user's PATH does not look.
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
LIBRARY_FOLDERS = (Path("/usr/lib"), Path("/usr/local/lib"), Path("/opt/homebrew/lib"))

# Why each line: its default loses messages without a word, or bounds a batch at 20 (docs/operations.md).
CONFIGURATION = """\
listener {port} 127.0.0.1
persistence true
persistence_location {folder}/
persistence_file broker.db
autosave_interval {autosave}
autosave_on_changes false
max_queued_messages 0
max_queued_bytes 2147483648
max_inflight_messages 65535
max_packet_size 20000000
persistent_client_expiration 30d
queue_qos0_messages false
set_tcp_nodelay true
sys_interval 5
log_type error
log_type warning
log_type notice
connection_messages false
"""
OPEN = "allow_anonymous true\n"
SECURED = """\
allow_anonymous false
plugin {plugin}
plugin_opt_config_file {document}
"""
PLUGIN = "mosquitto_dynamic_security.so"


@dataclass(frozen=True, slots=True)
class Mosquitto:
    """A Mosquitto that can be started; `libraries` is where its own libraries lie, empty for an installed one."""

    path: Path
    libraries: tuple[Path, ...] = ()
    kind: str = "mosquitto"
    limits: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        """Return the environment to start it with."""
        if not self.libraries:
            return dict(os.environ)
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, self.libraries))}

    def command(self, folder: Path, port: int, autosave_seconds: int, security: Path | None) -> list[str | Path]:
        """Write the configuration into `folder` and return the command that runs with it.

        `security` is the file of accounts; without one everybody may do everything. Raises BrokerError where this
        Mosquitto has no plugin for it.
        """
        text = CONFIGURATION.format(port=port, folder=folder, autosave=autosave_seconds)
        text += OPEN if security is None else SECURED.format(plugin=self.plugin(), document=security)
        if os.geteuid() == 0:
            text += "user root\n"  # it would otherwise drop to an account that cannot write here
        path = folder / "mosquitto.conf"
        path.write_text(text, encoding="utf-8")
        return [self.path, "-c", path]

    def plugin(self) -> Path:
        """Return where the dynamic security plugin lies; raise BrokerError where there is none."""
        for folder in (*self.libraries, *LIBRARY_FOLDERS):
            for found in (folder / PLUGIN, *sorted(folder.glob(f"*/{PLUGIN}"))):
                if found.exists():
                    return found
        raise BrokerError(f"{self.path} has no {PLUGIN}: CITYWATCH_BROKER__ACCOUNTS=dynamic-security needs it")

    def runs(self) -> bool:
        """Return whether it starts at all: its usage text comes, unless a library is missing."""
        result = subprocess.run([self.path, "-h"], capture_output=True, env=self.environment(), check=False)
        return b"mosquitto version" in result.stdout


def installed_mosquitto() -> Mosquitto | None:
    """Return the one the machine has, if it runs."""
    found = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS]))
    mosquitto = Mosquitto(Path(found)) if found else None
    return mosquitto if mosquitto and mosquitto.runs() else None


def unpacked_mosquitto(folder: Path) -> Mosquitto | None:
    """Return the one unpacked below `folder` before, if it runs."""
    path = folder / "mosquitto" / "usr" / "sbin" / "mosquitto"
    if not path.exists():
        return None
    found = Mosquitto(path, tuple(sorted((folder / "mosquitto" / "usr" / "lib").glob("*-linux-gnu*"))))
    return found if found.runs() else None


def download_mosquitto(folder: Path) -> Mosquitto | None:
    """Download the distribution's package and unpack it below `folder`, without root; None where that cannot be."""
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg")
    if apt is None or dpkg is None:
        return None
    target = folder / "mosquitto"
    target.mkdir(parents=True, exist_ok=True)
    if not _fetch([apt], target):
        # A fresh container has no package lists: get some of our own, for which no root is needed.
        own = [apt, *_own_state(folder / "apt")]
        subprocess.run([*own, "update", "-qq"], capture_output=True, check=False)
        _fetch(own, target)
    for archive in target.glob("*.deb"):
        subprocess.run([dpkg, "-x", archive, target], capture_output=True, check=False)
    return unpacked_mosquitto(folder)


def _fetch(apt: list[str], target: Path) -> bool:
    for package in PACKAGES:
        subprocess.run([*apt, "download", "-qq", package], cwd=target, capture_output=True, check=False)
    return any(target.glob("mosquitto_*.deb"))


def _own_state(folder: Path) -> list[str]:
    for name in ("lists", "cache"):
        (folder / name / "partial").mkdir(parents=True, exist_ok=True)
    return [f"-oDir::State::Lists={folder / 'lists'}", f"-oDir::Cache={folder / 'cache'}", "-oAPT::Sandbox::User="]
