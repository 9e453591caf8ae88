"""Roles, and which part of the city somebody sees, in words."""

from collections.abc import Mapping, Sequence

from dashboard.texts import domain_name, mark, text

ROLE_NAMES = {
    "viewer": mark("Viewer"),
    "operator": mark("Operator"),
    "engineer": mark("Engineer"),
    "auditor": mark("Auditor"),
    "admin": mark("Administrator"),
}
# What each permission of the API lets one do; what everybody may, signed in or not, is not worth a word.
PERMISSION_NAMES = {
    "read": mark("See the city, export"),
    "inspect": mark("See raw payloads and metrics"),
    "operate": mark("Act on alerts and work orders"),
    "configure": mark("Change rules and devices"),
    "audit": mark("Read the audit log"),
    "administer": mark("Look after accounts and keys"),
}


def role_name(role: str) -> str:
    """Return the words for a role."""
    return text(ROLE_NAMES.get(role, role))


def sight(districts: Sequence[str] | None, domains: Sequence[str] | None, names: Mapping[str, str]) -> str:
    """Return which part of the city is seen; `names` are those of the districts."""
    if districts is None and domains is None:
        return text("The whole city")
    parts = []
    if districts is not None:
        parts.append(", ".join(names.get(one, one) for one in districts))
    if domains is not None:
        parts.append(", ".join(domain_name(one) for one in domains))
    return "; ".join(parts)
