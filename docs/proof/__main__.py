"""`make prove [NAME ...]`: run the proofs and write their figures to `docs/proof/NAME.json`.

A proof is a module beside this one with `prove() -> dict`, its figures; it raises AssertionError when a figure
misses what was promised. `python -m docs.proof --list` names them.
"""

import importlib
import sys
import time

from docs.proof.report import HERE, Figures, write

NOT_PROOFS = {"__main__", "__init__"}


def names() -> list[str]:
    """Return the proofs there are: the modules beside this one that define `prove`."""
    modules = (path.stem for path in sorted(HERE.glob("*.py")) if path.stem not in NOT_PROOFS)
    return [name for name in modules if "\ndef prove(" in (HERE / f"{name}.py").read_text(encoding="utf-8")]


def run(name: str) -> bool:
    """Run one proof, write its file and return whether it held."""
    print(f"{name} ...", flush=True)
    started = time.monotonic()
    held, reason = True, ""
    figures: Figures = {}
    try:
        figures = importlib.import_module(f"docs.proof.{name}").prove()
    except AssertionError as error:
        held, reason = False, str(error)
        figures = getattr(error, "figures", {})
    print(write(name, held=held, reason=reason, figures=figures, seconds=time.monotonic() - started), flush=True)
    return held


def main(arguments: list[str]) -> int:
    """Run the named proofs, or all."""
    if arguments == ["--list"]:
        print("\n".join(names()))
        return 0
    unknown = set(arguments) - set(names())
    if unknown:
        print(f"no proof named {', '.join(sorted(unknown))}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    results = [run(name) for name in arguments or names()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
