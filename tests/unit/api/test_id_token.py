"""An ID token counts only if it is the provider's, for us, of now and of this sign-in."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from api.identity.oidc import check_oidc, read_id_token, role_of
from api.principal import Role
from citywatch.errors import AccountError, SettingsError
from citywatch.settings import Settings

NOW = 1_800_000_000
OURS = RSAKey.generate_key(2048, {"kid": "1"})
FOREIGN = RSAKey.generate_key(2048, {"kid": "1"})
KEYS = KeySet.import_key_set({"keys": [OURS.as_dict(private=False)]})
GOOD: dict[str, Any] = {
    "iss": "https://login.city.example", "aud": "citywatch", "sub": "17", "nonce": "n", "iat": NOW, "exp": NOW + 300,
}  # fmt: skip


def sign(claims: dict[str, Any], key: Any = OURS, alg: str = "RS256") -> str:
    return jwt.encode({"alg": alg, "kid": "1"}, claims, key, algorithms=[alg])


def unsigned(claims: dict[str, Any], alg: str) -> str:
    parts = (json.dumps({"alg": alg, "typ": "JWT"}).encode(), json.dumps(claims).encode())
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def with_public_key_as_secret(claims: dict[str, Any]) -> str:
    start = unsigned(claims, "HS256").rstrip(".")
    digest = hmac.new(OURS.as_pem(private=False), start.encode(), hashlib.sha256).digest()
    return f"{start}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def read(text: str) -> dict[str, Any]:
    return read_id_token(
        text, KEYS, issuer="https://login.city.example", client_id="citywatch", nonce="n", now=float(NOW + 10)
    )


def test_a_good_token_says_who_it_is() -> None:
    assert read(sign(GOOD))["sub"] == "17"
    assert read(sign({**GOOD, "aud": ["citywatch", "other"], "azp": "citywatch"}))["sub"] == "17"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(unsigned(GOOD, "none"), "not signed", id="alg none"),
        pytest.param(unsigned(GOOD, "NONE"), "not signed", id="alg NONE"),
        pytest.param(
            with_public_key_as_secret(GOOD), "not signed",
            id="the public key taken for a secret",
        ),
        pytest.param(sign(GOOD, FOREIGN), "not signed", id="another's key"),
        pytest.param(sign(GOOD)[:-6] + "AAAAAA", "not signed", id="signature changed"),
        pytest.param("x.y.z", "not signed", id="not a token"),
        pytest.param("", "not signed", id="nothing"),
        pytest.param(sign({**GOOD, "iss": "https://evil.example"}), "is of", id="foreign issuer"),
        pytest.param(sign({**GOOD, "aud": "another-app"}), "not for us", id="foreign audience"),
        pytest.param(sign({**GOOD, "aud": ["citywatch", "x"], "azp": "x"}), "not for us", id="asked for by another"),
        pytest.param(sign({**GOOD, "exp": NOW - 120, "iat": NOW - 500}), "expired", id="expired"),
        pytest.param(sign({**GOOD, "iat": NOW + 600, "exp": NOW + 900}), "expired", id="from the future"),
        pytest.param(sign({k: v for k, v in GOOD.items() if k != "exp"}), "until when", id="without an end"),
        pytest.param(sign({**GOOD, "exp": "later"}), "until when", id="an end that is no time"),
        pytest.param(sign({**GOOD, "nonce": "m"}), "another sign-in", id="replayed from another sign-in"),
        pytest.param(sign({k: v for k, v in GOOD.items() if k != "nonce"}), "another sign-in", id="without nonce"),
        pytest.param(sign({**GOOD, "sub": ""}), "whose", id="nobody's"),
    ],
)  # fmt: skip
def test_any_other_token_is_refused(text: str, why: str) -> None:
    with pytest.raises(AccountError, match=why):
        read(text)


@pytest.mark.parametrize(
    ("claims", "claim", "role"),
    [
        ({"roles": "crew"}, "roles", Role.OPERATOR),
        ({"roles": ["x", "crew", "it"]}, "roles", Role.ENGINEER),
        ({"realm_access": {"roles": ["crew"]}}, "realm_access.roles", Role.OPERATOR),
        ({"roles": ["admin", "operator"]}, "roles", None),
        ({"roles": {"crew": True}}, "roles", None),
        ({"roles": [7, None]}, "roles", None),
        ({}, "roles", None),
    ],
)
def test_a_role_is_given_only_by_the_mapping(claims: dict[str, Any], claim: str, role: Role | None) -> None:
    assert role_of(claims, claim, {"crew": "operator", "it": "engineer"}) is role


@pytest.mark.parametrize(
    ("identity", "url"),
    [
        ({"oidc_issuer": "https://x.example", "oidc_client_id": "c", "oidc_roles": {"a": "viewer"}}, None),
        ({"oidc_issuer": "https://x.example", "oidc_client_id": "c"}, "https://city.example"),
        (
            {"oidc_issuer": "http://x.example", "oidc_client_id": "c", "oidc_roles": {"a": "viewer"}},
            "https://c.example",
        ),
    ],
)
def test_half_a_provider_is_a_wrong_setting(identity: dict[str, Any], url: str | None) -> None:
    settings = Settings(_env_file=None, identity=identity, serve={"public_url": url})
    with pytest.raises(SettingsError, match="OIDC_ISSUER"):
        check_oidc(settings)
