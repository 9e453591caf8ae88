"""The published decode vectors, and what it means that a decoder agrees with one."""

import json
import math
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Vector:
    """One payload and what the vendor's own decoder returns for it; `data` is None where it reports errors."""

    source: str
    category: str
    profile: str
    port: int | None
    payload: bytes
    data: object

    def __str__(self) -> str:
        return f"{self.profile} {self.port} {self.payload.hex()}"


def read_vectors(shared_data: Path) -> list[Vector]:
    vectors = []
    for path in sorted((shared_data / "payloads").glob("*_decode_vectors.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            expected = entry["expected"]
            data = None if expected.get("errors") else expected["data"]
            key = f"{entry['vendor']}/{entry['model']}"
            source = path.name.removesuffix("_decode_vectors.jsonl")
            vectors.append(
                Vector(source, entry["category"], key, entry["fPort"], bytes.fromhex(entry["bytes_hex"]), data)
            )
    return vectors


def agrees(given: object, expected: object) -> bool:
    """Tell whether two JSON values are the same, numbers to 1e-9 or six significant digits."""
    if isinstance(expected, dict):
        if not isinstance(given, dict) or given.keys() != expected.keys():
            return False
        return all(agrees(given[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        if not isinstance(given, list) or len(given) != len(expected):
            return False
        return all(agrees(one, other) for one, other in zip(given, expected, strict=True))
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return given == expected
    if isinstance(given, bool) or not isinstance(given, int | float) or not isinstance(expected, int | float):
        return False
    return math.isclose(given, expected, rel_tol=5e-7, abs_tol=1e-9)
