"""HTTP over TLS, by the settings."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api.app import create_app
from citywatch.cli.serve import serve_app
from citywatch.local.running import scheme, trust
from citywatch.settings import Settings
from sql.connection import Pool
from tests.integration.api.signed_in import PASSWORD, add, closed


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of our own for city.example, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "city.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("city.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    chain, private = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, private


async def test_tls_is_spoken_and_binds_the_cookie(
    settings: Settings, city: Pool, certificate: tuple[Path, Path]
) -> None:
    await add(city, "ada")
    off = closed(settings)
    serve = off.serve.model_copy(update={"tls_certificate": certificate[0], "tls_key": certificate[1]})
    over_tls = off.model_copy(update={"serve": serve})
    stop = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(serve_app(create_app(over_tls), listening, stop))
        base = f"{scheme(over_tls)}://127.0.0.1:{listening.getsockname()[1]}"
        try:
            async with httpx.AsyncClient(base_url=base, verify=trust(over_tls)) as client:
                form = {"name": "ada", "password": PASSWORD}
                answer = await client.post("/sign-in", data=form, headers={"Origin": base})
                cookie = answer.headers["set-cookie"]
                assert cookie.startswith("__Host-citywatch_session=")
                assert "Secure" in cookie
                assert answer.headers["strict-transport-security"] == "max-age=31536000"
                assert (await client.get("/api/v1/me")).json()["name"] == "ada"
            async with httpx.AsyncClient(base_url=base, verify=ssl.create_default_context()) as stranger:
                with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                    await stranger.get("/health/live")
        finally:
            stop.set()
            await serving
