"""Bring the message catalogues up to date: `python -m tests.messages` (or `make messages`).

Found are the sentences in dashboard/ that go through `text`, `plural` or `mark`, the words of the API's figures and
limits, and what the shipped rules say. The template is written anew; each language keeps what it has and gets what
is new, empty. A catalogue is complete when tests/unit/dashboard/test_catalogues.py says so.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po

from tests.conftest import ROOT

LOCALES = ROOT / "dashboard" / "locales"
TEMPLATE = LOCALES / "citywatch.pot"
# function -> how many of its first arguments are sentences; `_` is the short name of text in components/dialogs.py
KEYWORDS = {"text": 1, "mark": 1, "_": 1, "plural": 2}
# What a reader reads of a rule, besides its title and what it says when it fires.
RATIONALE = ("cause", "consequence", "operator_action", "threshold", "owner")


def _code() -> Iterator[tuple[str, Any]]:
    for file in sorted((ROOT / "dashboard").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in KEYWORDS:
                continue
            words = [arg.value for arg in node.args[: KEYWORDS[node.func.id]] if isinstance(arg, ast.Constant)]
            # What is not a literal comes from a table, where it is marked.
            if len(words) == KEYWORDS[node.func.id]:
                yield file.relative_to(ROOT).as_posix(), words[0] if len(words) == 1 else tuple(words)


def _figures() -> Iterator[tuple[str, str]]:
    """Yield the labels of the API's key figures and what it says a set-up cannot do."""
    for name, call in (("api/figures.py", "Figure"), ("api/overview.py", "append")):
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if called == call:
                yield from ((name, one) for one in texts if " " in one)


def _scenarios() -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / "simulators" / "scenarios").glob("*.yaml")):
        words = yaml.safe_load(file.read_text(encoding="utf-8"))["description"]
        yield file.relative_to(ROOT).as_posix(), " ".join(words.split())


def _rules() -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / "rules" / "definitions").glob("*.yaml")):
        if file.name.endswith(".test.yaml"):
            continue
        rule = yaml.safe_load(file.read_text(encoding="utf-8"))
        name = file.relative_to(ROOT).as_posix()
        yield name, rule["title"]
        yield name, f"rule.{rule['id']}"
        for part in RATIONALE:
            if words := rule.get("rationale", {}).get(part):
                yield name, " ".join(str(words).split())


def found() -> Catalog:
    """Return every message there is, with the files it stands in."""
    catalog = Catalog(project="citywatch", charset="utf-8")
    for source in (_code(), _figures(), _rules(), _scenarios()):
        for name, message in source:
            catalog.add(message, locations=[(name, None)])  # type: ignore[list-item]
    return catalog


def read(code: str) -> Catalog:
    """Return the catalogue of a language as it stands."""
    with (LOCALES / code / "LC_MESSAGES" / "citywatch.po").open("rb") as source:
        return read_po(source, locale=code)


def translated(code: str) -> set[str]:
    """Return the English sentences that a language says otherwise."""
    return {
        message.id
        for message in read(code)
        if message.id
        and isinstance(message.id, str)
        and isinstance(message.string, str)
        and message.string not in ("", message.id)
    }


def write(file: Path, catalog: Catalog) -> None:
    """Write a catalogue without anything that changes by itself, such as dates or line numbers."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as out:
        write_po(out, catalog, width=100, sort_output=True, omit_header=file == TEMPLATE, include_lineno=False)


def main() -> int:
    """Write the template and update every catalogue; say what is missing."""
    template = found()
    write(TEMPLATE, template)
    for file in sorted(LOCALES.glob("*/LC_MESSAGES/citywatch.po")):
        catalog = read(file.parents[1].name)
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        write(file, catalog)
        missing = sum(1 for message in catalog if message.id and not message.string)
        sys.stdout.write(f"{file.relative_to(ROOT)}: {len(catalog)} messages, {missing} to translate\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
