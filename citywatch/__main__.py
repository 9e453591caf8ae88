"""`citywatch` and `python -m citywatch`. Exit codes: 0 done, 1 the thing asked for failed, 2 wrong usage."""

import sys

from citywatch.cli import app
from citywatch.cli.attached import COMMANDS, attach
from citywatch.errors import CitywatchError, SettingsError


def main() -> None:
    """Run the command line; an expected failure is one line on standard error, never a traceback."""
    asked = sys.argv[1:2]
    attach(*(asked if asked and asked[0] in COMMANDS else COMMANDS))
    try:
        app(prog_name="citywatch")
    except SettingsError as error:
        print(f"citywatch: {error}", file=sys.stderr)
        sys.exit(2)
    except CitywatchError as error:
        print(f"citywatch: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
else:
    attach(*COMMANDS)
