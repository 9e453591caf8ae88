"""Free-form JSON as the store can hold it, wherever it comes from: jsonb has no NUL and no half characters in text.

Whole numbers beyond 64 bits become doubles, as most programs read every number.
"""

import math
from typing import Any

DEEPEST = 100  # lists and objects inside one another


def storable(value: Any, where: str, depth: int = 0) -> Any:
    """Return a value of parsed JSON as the store holds it; raise ValueError naming the place of what it cannot hold."""
    if depth > DEEPEST:
        raise ValueError(f"{where[:80]}...: nested more than {DEEPEST} deep")
    match value:
        case dict():
            return {
                _text(key, f"a name in {where}"): storable(inner, f"{where}.{key}", depth + 1)
                for key, inner in value.items()
            }
        case list():
            return [storable(inner, f"{where}[{at}]", depth + 1) for at, inner in enumerate(value)]
        case str():
            return _text(value, where)
        case float() if not math.isfinite(value):
            raise ValueError(f"{where}: {value} is no number that JSON has")
        case int() if not -(2**63) <= value < 2**63:
            try:
                return float(value)
            except OverflowError:
                raise ValueError(f"{where}: a number of {len(str(value))} digits is beyond a double") from None
        case _:
            return value


def _text(text: str, where: str) -> str:
    if "\0" in text:
        raise ValueError(f"{where}: text may not contain NUL (\\u0000)")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{where}: text may not contain half a character (a lone surrogate)") from None
    return text
