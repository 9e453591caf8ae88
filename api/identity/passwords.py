"""Passwords: Argon2id, a few at a time, and none so weak that the hash does not matter."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.problems import ProblemError

# RFC 9106, second recommended option: 64 MiB, three passes. A hash takes about 0.1 s of one core.
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
_AT_ONCE = asyncio.Semaphore(2)  # each holds 64 MiB
SHORTEST, LONGEST = 12, 256  # NIST SP 800-63B: length counts, not the mix of characters
# Against names that do not exist: answering faster would say that they do not.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))


def check_password(password: str, name: str) -> None:
    """Raise ProblemError 422 saying what is wrong with a password that somebody wants to have."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ProblemError(
            422, "weak-password", f"a password has {SHORTEST} to {LONGEST} characters, this has {len(password)}"
        )
    if name in password.lower() or len(set(password)) < 5:
        raise ProblemError(422, "weak-password", "a password must not be the name, nor the same few characters")


def hash_password(password: str) -> str:
    """Return the hash to store; blocks for about 0.1 s."""
    return _HASHER.hash(password)


async def hash_soon(password: str) -> str:
    """Return the hash to store, without holding up others."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_HASHER.hash, password)


def _verify(password: str, stored: str | None) -> bool:
    try:
        return _HASHER.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


async def is_right(password: str, stored: str | None) -> bool:
    """Return whether `password` is the one stored; takes as long for an account that has none."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_verify, password[: LONGEST + 1], stored)


def one_time_password() -> str:
    """Return a password to be told once and changed at the first sign-in: 100 random bits, easy to read aloud."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))
