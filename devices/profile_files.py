"""Profile files: YAML read with line numbers, so that an error names file, line and reason."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from citywatch.errors import CitywatchError
from citywatch.plain_yaml import PlainLoader, YamlError, compose, construct
from devices.profile_schema import ProfileFile


class ProfileError(CitywatchError):
    """A profile file is not acceptable; the text names file, line and reason."""


class _ProfileLoader(PlainLoader):
    """YAML without its surprises: times stay text, and only true and false are booleans."""


_ProfileLoader.yaml_implicit_resolvers = {
    sign: [(tag, form) for tag, form in forms if not tag.endswith((":timestamp", ":bool")) or sign in "tTfF"]
    for sign, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_plain(text: str) -> object:
    """Return what a YAML (or JSON) text says; raise ValueError with line and reason."""
    try:
        root = compose(text, _ProfileLoader)
        return None if root is None else construct(root, _ProfileLoader)
    except YamlError as fault:
        raise ValueError(str(fault)) from None


def read_profile_file(path: Path) -> ProfileFile:
    """Return the checked content of one profile file; raise ProfileError for its first fault."""
    try:
        root = compose(path.read_text(encoding="utf-8"), _ProfileLoader)
        if not isinstance(root, yaml.MappingNode):
            raise ProfileError(f"{path}: line 1: a profile is a mapping with vendor, model, fields and more")
        _refuse_repeated_keys(path, root)
        content = construct(root, _ProfileLoader)
    except YamlError as fault:
        raise ProfileError(f"{path}: {fault}") from None
    except (OSError, UnicodeDecodeError) as fault:
        raise ProfileError(f"{path}: line 1: cannot be read: {fault}") from None
    try:
        return ProfileFile.model_validate(content)
    except ValidationError as faults:
        # A misspelt key explains better than the one that is therefore missing, a part better than the whole.
        first = min(faults.errors(), key=lambda fault: (fault["type"] != "extra_forbidden", -len(fault["loc"])))
        line, where = _locate(root, first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise ProfileError(f"{path}: line {line}: {where or 'profile'}: {reason}") from None


def fault_at(path: Path, key: str, reason: str) -> ProfileError:
    """Return the error for the line of a profile file on which the top-level `key` stands."""
    lines = path.read_text(encoding="utf-8").splitlines()
    line = next((number for number, text in enumerate(lines, 1) if text.startswith(f"{key}:")), 1)
    return ProfileError(f"{path}: line {line}: {key}: {reason}")


def _refuse_repeated_keys(path: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[object] = set()
        for key, value in node.value:
            if key.value in seen:
                raise ProfileError(f"{path}: line {key.start_mark.line + 1}: {key.value} stands here twice")
            seen.add(key.value)
            _refuse_repeated_keys(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated_keys(path, value)


def _locate(node: yaml.Node, location: Iterable[Any]) -> tuple[int, str]:
    """Return line and dotted name of the deepest part of `location` that stands in the file."""
    line, names = node.start_mark.line + 1, []
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                names += [str(part)] if part == "extra_forbidden" else []
                continue  # a union's tag, or a key that is missing from the file
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            continue
        names.append(str(part))
    last = list(location)[-1:]
    if last and str(last[0]) not in names and isinstance(last[0], str) and "[" not in last[0]:
        names.append(last[0])
    return line, ".".join(names)
