"""`citywatch broker secure`: what a Mosquitto of its own needs to know whom to let in."""

from pathlib import Path
from typing import Annotated

import typer

from citywatch.cli.registering import in_store
from citywatch.errors import SettingsError
from citywatch.local.certificate import make_certificate
from citywatch.local.dynamic_security import make_account, write_document
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from devices.credentials import active_accounts

app = typer.Typer(help="The MQTT broker.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `secure` a command of its own while it is the only one."""


@app.command()
def secure(
    folder: Annotated[Path, typer.Argument(help="where certificate and accounts go; the broker reads them there")],
    name: Annotated[list[str], typer.Option(help="host name or address the broker is reached at; may be repeated")],
) -> None:
    """Write a certificate and the file of accounts for Mosquitto's dynamic security: our own, and the devices'.

    Our account is that of CITYWATCH_BROKER__USERNAME and its password. A certificate that still serves is kept. Do this
    before the broker starts; while it runs accounts are changed by `citywatch devices credential`.

    Example: `citywatch broker secure /etc/mosquitto/citywatch --name mqtt.city.example`
    """
    settings = load_settings()
    username, password = settings.broker.username, settings.broker.password
    if username is None or password is None:
        raise SettingsError("set CITYWATCH_BROKER__USERNAME and CITYWATCH_BROKER__PASSWORD: our own account")
    folder.mkdir(parents=True, exist_ok=True)
    fresh = make_certificate(folder, [*name, "localhost"])
    accounts = list(in_store(active_accounts, store_dsn(settings)))
    document = folder / "dynamic-security.json"
    write_document(document, make_account(username, password.get_secret_value()), accounts)
    print(f"{'new' if fresh else 'kept the'} certificate; {len(accounts)} devices have an account: {document}")
