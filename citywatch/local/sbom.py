"""Software bill of materials, CycloneDX 1.6: `python -m citywatch.local.sbom > sbom.json`, or `make sbom`.

Read from the lock file, which names every package that is installed, with its hashes.
"""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str) -> list[dict[str, Any]]:
    """Return the packages of a lock file, each with the hashes of the files it may be installed from."""
    found: list[dict[str, Any]] = []
    for line in lock.splitlines():
        if match := _PACKAGE.match(line):
            name, version = match[1].lower().replace("_", "-"), match[2]
            address = f"pkg:pypi/{name}@{version}"
            found.append(
                {"type": "library", "name": name, "version": version, "purl": address, "bom-ref": address, "hashes": []}
            )
        found[-1]["hashes"] += (
            [{"alg": "SHA-256", "content": digest} for digest in _HASH.findall(line)] if found else []
        )
    return found


def document(lock: str, version: str) -> dict[str, Any]:
    """Return the bill; the same lock file gives the same bill, so it carries no date and no serial number."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "citywatch", "version": version, "bom-ref": "citywatch"}
        },
        "components": components(lock),
    }


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    json.dump(document(text, project["version"]), sys.stdout, indent=2)
