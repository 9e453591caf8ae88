"""Signing in at the organisation's OpenID provider: code flow with PKCE (OpenID Connect Core 1.0, RFC 7636).

What counts is the ID token, and of it only what is checked here: signature by a key of the provider, an asymmetric
algorithm, issuer, audience, times and the nonce of this very sign-in.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.permissions import GRANTS
from api.principal import Role
from citywatch.errors import AccountError, SettingsError
from citywatch.settings import Settings

CALLBACK = "/sign-in/provider/answer"
# Never none, nor HS256: with that the provider's public key, known to all, would be the secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY = 60  # seconds two clocks may differ
PATIENCE = 10.0  # seconds for the provider to answer
FRESH = 3600.0  # seconds for which its addresses and keys are kept
LARGEST = 1_000_000  # bytes of an answer of the provider's


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun: where to send the browser, and what its answer must match."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who the provider says it is."""

    issuer: str
    subject: str
    name: str
    role: Role | None  # None: nothing over there gives them one here


def check_oidc(settings: Settings) -> None:
    """Raise SettingsError for settings with which nobody could sign in at the provider, or not safely."""
    identity = settings.identity
    if identity.oidc_issuer is None:
        return
    if identity.oidc_client_id is None or settings.serve.public_url is None or not identity.oidc_roles:
        raise SettingsError(
            "CITYWATCH_IDENTITY__OIDC_ISSUER also needs CITYWATCH_IDENTITY__OIDC_CLIENT_ID, "
            "CITYWATCH_IDENTITY__OIDC_ROLES and CITYWATCH_SERVE__PUBLIC_URL, to which the provider sends people back"
        )
    parts = urlsplit(identity.oidc_issuer)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise SettingsError(f"CITYWATCH_IDENTITY__OIDC_ISSUER: https, not {identity.oidc_issuer}")


def role_of(claims: Mapping[str, Any], claim: str, roles: Mapping[str, str]) -> Role | None:
    """Return the role that a claim's values stand for, the one with the most permissions of several; None for none.

    `claim` may lead into objects, as `realm_access.roles` does.
    """
    found: Any = claims
    for part in claim.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    values = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    held = [Role(roles[value]) for value in values if isinstance(value, str) and value in roles]
    return max(held, key=lambda role: sum(role in who for who in GRANTS.values()), default=None)


def read_id_token(text: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, now: float) -> dict[str, Any]:
    """Return the claims of an ID token that is the provider's, for us, of now and of this sign-in.

    Raises AccountError saying what is wrong with any other.
    """
    try:
        claims = jwt.decode(text, keys, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError) as error:
        raise AccountError(f"the ID token is not signed as it must be: {type(error).__name__}") from None
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    until, since = claims.get("exp"), claims.get("iat")
    if claims.get("iss") != issuer:
        raise AccountError(f"the ID token is of {claims.get('iss')!r}, not of {issuer!r}")
    if client_id not in audiences or (len(audiences) > 1 and claims.get("azp") != client_id):
        raise AccountError(f"the ID token is for {audience!r}, not for us")
    if not isinstance(until, int | float) or not isinstance(since, int | float):
        raise AccountError("the ID token does not say from when and until when it holds")
    if not since - LEEWAY <= now < until + LEEWAY:
        raise AccountError("the ID token has expired, or is from the future")
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise AccountError("the ID token belongs to another sign-in")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise AccountError("the ID token does not say whose it is")
    return claims


class Provider:
    """The provider that the settings name; its addresses and keys are read when first needed, and again when old."""

    def __init__(self, settings: Settings) -> None:
        identity, serve = settings.identity, settings.serve
        assert identity.oidc_issuer is not None and identity.oidc_client_id is not None
        assert serve.public_url is not None
        self._identity = identity
        self._issuer, self._client_id = identity.oidc_issuer.rstrip("/"), identity.oidc_client_id
        self._back = serve.public_url.rstrip("/") + CALLBACK
        self._read_at = float("-inf")
        self._found: dict[str, Any] = {}
        self._keys = KeySet([])

    async def _ask(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False) as http:
                answer = await http.request(method, address, **more)
            body = answer.json() if len(answer.content) <= LARGEST else None
        except (httpx.HTTPError, ValueError) as error:
            raise AccountError(f"the provider does not answer as it should: {type(error).__name__}") from None
        if answer.is_error or not isinstance(body, dict):
            raise AccountError(f"the provider answered {answer.status_code}")
        return body

    async def _read(self, *, anew: bool = False) -> None:
        if not anew and time.monotonic() - self._read_at < FRESH:
            return
        found = await self._ask("GET", f"{self._issuer}/.well-known/openid-configuration")
        # As given by the provider, to the letter: else another's document could be put in its place.
        if str(found.get("issuer", "")).rstrip("/") != self._issuer:
            raise AccountError(f"the provider calls itself {found.get('issuer')!r}, not {self._issuer!r}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if urlsplit(str(found.get(name, ""))).scheme != urlsplit(self._issuer).scheme:
                raise AccountError(f"the provider's {name} is missing, or less safe than its issuer")
        self._keys = KeySet.import_key_set(await self._ask("GET", found["jwks_uri"]))  # type: ignore[arg-type]
        self._found, self._read_at = found, time.monotonic()

    async def begin(self) -> Begun:
        """Return where to send a browser that wants to sign in; raise AccountError if the provider is away."""
        await self._read()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code", "client_id": self._client_id, "redirect_uri": self._back,
            "scope": "openid profile email", "state": state, "nonce": nonce,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        address = self._found["authorization_endpoint"]
        return Begun(f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", state, nonce, verifier)

    async def finish(self, code: str, nonce: str, verifier: str, now: float) -> Person:
        """Return who has signed in, from the code that the browser brought; raise AccountError if it proves nobody."""
        await self._read()
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._back,
            "client_id": self._client_id, "code_verifier": verifier,
        }  # fmt: skip
        secret = self._identity.oidc_client_secret
        signed = {} if secret is None else {"auth": (self._client_id, secret.get_secret_value())}
        token = str((await self._ask("POST", self._found["token_endpoint"], data=form, **signed)).get("id_token", ""))
        issuer = str(self._found["issuer"])
        about = {"issuer": issuer, "client_id": self._client_id, "nonce": nonce, "now": now}
        try:
            claims = read_id_token(token, self._keys, **about)  # type: ignore[arg-type]
        except AccountError:
            # It may have changed its keys since we read them; a token that is bad stays bad.
            await self._read(anew=True)
            claims = read_id_token(token, self._keys, **about)  # type: ignore[arg-type]
        role = role_of(claims, self._identity.oidc_role_claim, self._identity.oidc_roles)
        name = str(claims.get("preferred_username") or claims.get("email") or claims["sub"])
        return Person(issuer, claims["sub"], name, role)
