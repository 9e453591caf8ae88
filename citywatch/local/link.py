"""Make `citywatch` a command of the virtual environment this runs in.

The project is run from its checkout and never published as a library, so instead of an editable
install there is one line in a `.pth` file, relative, and a two-line script. Both survive any folder name.
"""

import os
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = '#!/bin/sh\nexec "$(dirname "$0")/python" -m citywatch "$@"\n'


def link() -> None:
    """Write the `.pth` file and the `citywatch` script."""
    packages = Path(sysconfig.get_path("purelib"))
    (packages / "citywatch.pth").write_text(os.path.relpath(ROOT, packages) + "\n", encoding="utf-8")
    script = Path(sys.prefix) / "bin" / "citywatch"
    script.write_text(SCRIPT, encoding="utf-8")
    script.chmod(0o755)


if __name__ == "__main__":
    link()
