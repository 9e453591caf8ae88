"""What a key may do, whatever has become of its owner since."""

from itertools import product

import pytest

from api.identity.accounts import key_principal
from api.permissions import GRANTS, ROLES, Permission, permits, weaker
from api.principal import Role


def granted(role: Role) -> set[Permission]:
    return {permission for permission, roles in GRANTS.items() if role in roles}


@pytest.mark.parametrize(("role", "owner"), list(product(ROLES, ROLES)))
def test_a_key_holds_nothing_beyond_its_role_and_its_owners(role: str, owner: str) -> None:
    row = {"name": "ada", "label": "x", "role": role, "owner_role": owner, "account_id": 1, "districts": None,
           "domains": None, "owner_districts": None, "owner_domains": None}  # fmt: skip
    principal = key_principal(row)
    held = {permission for permission in Permission if permits(principal, permission)}
    assert held <= granted(Role(role)) & granted(Role(owner))
    assert permits(principal, Permission.READ)
    if weaker(Role(role), Role(owner)):
        assert principal.roles == {role}
    elif weaker(Role(owner), Role(role)):
        assert principal.roles == {owner}
