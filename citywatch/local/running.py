"""Where the services of this installation are: as the settings say, else where `citywatch up` runs them now."""

import json
import ssl
from dataclasses import asdict, dataclass
from pathlib import Path

from citywatch.errors import BrokerError, CitywatchError, StoreError
from citywatch.settings import Settings


@dataclass(frozen=True, slots=True)
class Running:
    """What `citywatch up` has started; written to `running.json` below the data folder while it runs."""

    supervisor: int
    dsn: str
    broker_host: str
    broker_port: int
    broker_kind: str
    http_host: str
    http_port: int
    broker_username: str | None = None
    broker_password: str | None = None


def _path(data_dir: Path) -> Path:
    return data_dir / "running.json"


def save_running(data_dir: Path, running: Running) -> None:
    """Write the file; readable by its owner only, since passwords are in it."""
    path = _path(data_dir)
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(running)), encoding="utf-8")


def forget_running(data_dir: Path) -> None:
    """Remove the file, when everything has stopped."""
    _path(data_dir).unlink(missing_ok=True)


def find_running(data_dir: Path) -> Running | None:
    """Return what runs now, None if nothing does or its supervisor died."""
    try:
        running = Running(**json.loads(_path(data_dir).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    return running if Path(f"/proc/{running.supervisor}").exists() else None


def store_dsn(settings: Settings) -> str:
    """Return the store's address; raise StoreError saying what to do when there is none."""
    if settings.store.dsn is not None:
        return settings.store.dsn.get_secret_value()
    running = find_running(settings.data_dir)
    if running is None:
        raise StoreError("no store: start one with `citywatch up`, or set CITYWATCH_STORE__DSN")
    return running.dsn


def broker_address(settings: Settings) -> tuple[str, int]:
    """Return the broker's host and port; raise BrokerError saying what to do when there is none."""
    if settings.broker.host is not None:
        return settings.broker.host, settings.broker.port
    running = find_running(settings.data_dir)
    if running is None:
        raise BrokerError("no broker: start one with `citywatch up`, or set CITYWATCH_BROKER__HOST")
    return running.broker_host, running.broker_port


def broker_account(settings: Settings) -> tuple[str | None, str | None]:
    """Return the name and password of our own processes at the broker: as set, else what `citywatch up` made."""
    if settings.broker.username is not None or settings.broker.host is not None:
        password = settings.broker.password
        return settings.broker.username, None if password is None else password.get_secret_value()
    running = find_running(settings.data_dir)
    return (None, None) if running is None else (running.broker_username, running.broker_password)


def api_url(settings: Settings) -> str:
    """Return where the API answers."""
    running = find_running(settings.data_dir)
    if running is None:
        raise CitywatchError("nothing runs here: start it with `citywatch up`")
    return f"{scheme(settings)}://{running.http_host}:{running.http_port}"


def scheme(settings: Settings) -> str:
    """Return how `serve` speaks on its port."""
    return "http" if settings.serve.tls_certificate is None else "https"


def trust(settings: Settings) -> ssl.SSLContext:
    """Return whom to believe on our own port of this machine: the certificate that we set ourselves, by content and not
    by name, which is the public one."""
    if settings.serve.tls_certificate is None:
        return ssl.create_default_context()
    context = ssl.create_default_context(cafile=str(settings.serve.tls_certificate))
    context.check_hostname = False
    return context
