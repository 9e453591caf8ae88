"""TLS by the settings: HTTP, and the ways to the store and the broker."""

import asyncio
import gc
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api.app import create_app
from api.broker_link import BrokerLink
from citywatch.cli.serve import serve_app
from citywatch.errors import BrokerError
from citywatch.local.certificate import make_certificate
from citywatch.local.mosquitto import installed_mosquitto
from citywatch.local.postgres import LocalPostgres
from citywatch.local.process import free_port
from citywatch.local.running import scheme, trust
from citywatch.settings import Settings
from sql.connection import Pool
from sql.pool import open_pool
from tests.integration.api.signed_in import PASSWORD, add, closed

# The embedded PostgreSQL is built without TLS: it listens on this machine only. An installed one speaks it.
INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of our own for city.example, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "city.example")])
    names = [x509.DNSName("city.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
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


@pytest.fixture
def proved_store(certificate: tuple[Path, Path]) -> Iterator[str]:
    """The address of a store that speaks TLS with the certificate."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server may have an account of its own
        server = LocalPostgres(folder / "postgres", programs=INSTALLED[-1].parent)
        server.settings["unix_socket_directories"] = ""
        server.start()
        try:
            owner = server.data.stat()
            for source, target in zip(
                certificate, (server.data / "server.crt", server.data / "server.key"), strict=True
            ):
                shutil.copy(source, target)
                os.chown(target, owner.st_uid, owner.st_gid)
                target.chmod(0o600)
            server.stop()
            server.settings["ssl"] = "on"
            server.start()
            yield f"{server.dsn('postgres')}?sslmode=verify-full&sslrootcert={certificate[0]}"
        finally:
            server.stop()


@pytest.mark.skipif(not INSTALLED, reason="no PostgreSQL with TLS is installed")
async def test_the_store_is_reached_over_tls_and_must_prove_itself(proved_store: str) -> None:
    async with await open_pool(proved_store, process="tls", size=1) as pool:
        assert await pool.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    with pytest.raises(ssl.SSLCertVerificationError):  # the same server by a name that it cannot prove
        await open_pool(proved_store.replace("127.0.0.1", "localhost"), process="tls", size=1)


@contextmanager
def _mosquitto(folder: Path, certificate: Path, key: Path) -> Iterator[int]:
    """Run a Mosquitto that speaks TLS only, and yield its port."""
    program = installed_mosquitto()
    if program is None:
        pytest.skip("no mosquitto on this machine")
    port = free_port(28_886)
    lines = [f"listener {port} 127.0.0.1", f"certfile {certificate}", f"keyfile {key}", "allow_anonymous true"]
    if os.geteuid() == 0:
        lines.append("user root")
    (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    child = subprocess.Popen([program.path, "-c", folder / "mosquitto.conf"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            assert child.poll() is None, "mosquitto ended"
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < deadline, "mosquitto does not listen"
        yield port
    finally:
        child.terminate()
        child.wait(30)


def test_the_broker_is_asked_for_its_certificate(tmp_path: Path) -> None:
    """The way from the API: with the authority that signed it a message is taken; another's broker gets none."""
    names = ["127.0.0.1", "localhost"]
    for folder in ("ours", "theirs"):
        (tmp_path / folder).mkdir()
        make_certificate(tmp_path / folder, names)
    with _mosquitto(tmp_path, tmp_path / "ours" / "server.crt", tmp_path / "ours" / "server.key") as port:

        def link(authority: Path) -> BrokerLink:
            broker = {"host": "127.0.0.1", "port": port, "ca_file": authority}
            return BrokerLink(Settings(_env_file=None, store={"dsn": "postgresql://nowhere"}, broker=broker))

        async def publish(authority: Path) -> None:
            one = link(authority)
            try:
                await one.publish("city/v1/devices/bin-1/telemetry", b"{}")
            finally:
                one.close()

        asyncio.run(publish(tmp_path / "ours" / "ca.crt"))
        with warnings.catch_warnings():
            # The client library leaves the socket of a refused handshake to the collector.
            warnings.simplefilter("ignore", ResourceWarning)
            with pytest.raises(BrokerError, match="certificate"):
                asyncio.run(publish(tmp_path / "theirs" / "ca.crt"))
            gc.collect()
