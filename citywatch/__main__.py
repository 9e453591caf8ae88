"""`citywatch` and `python -m citywatch`. Exit codes: 0 done, 1 the thing asked for failed, 2 wrong usage."""

import sys

from citywatch.cli import (
    account,
    accounts,
    app,
    audit,
    backup,
    bench,
    broker,
    devices,
    doctor,
    export,
    fold,
    history,
    indicators,
    ingest,
    migrate,
    probe,
    record,
    rejected,
    replay,
    rules,
    score,
    serve,
    simulate,
    store,
    up,
)
from citywatch.errors import CitywatchError, SettingsError

app.command()(up.up)
app.command()(doctor.doctor)
app.command()(doctor.status)
app.command()(account.account)
app.add_typer(probe.app, name="probe")
app.add_typer(broker.app, name="broker")
app.command("migrate")(migrate.migrate_command)
app.command()(backup.backup)
app.command("restore")(backup.restore_command)
app.command()(bench.bench)
app.command()(simulate.simulate)
app.command()(score.score)
app.command()(replay.replay)
app.command()(replay.mappings)
app.command()(record.record)
app.command()(export.export)
app.command("import")(history.import_)
app.add_typer(serve.app)
app.add_typer(accounts.app, name="accounts")
app.add_typer(audit.app, name="audit")
app.add_typer(ingest.app, name="ingest")
app.add_typer(fold.app, name="fold")
app.add_typer(store.app, name="store")
app.add_typer(rules.app, name="rules")
app.add_typer(rejected.app, name="rejected")
app.add_typer(devices.app, name="devices")
app.add_typer(indicators.app, name="indicators")

from citywatch.cli import app
from citywatch.cli.attached import COMMANDS, attach
from citywatch.errors import CitywatchError, SettingsError


def main() -> None:
    """Run the command line; an expected failure is one line on standard error, never a traceback."""
    asked = sys.argv[1:2]
    attach(*(asked if asked and asked[0] in COMMANDS else COMMANDS))
    try:
        app(prog_name="citywatch")
    except SettingsError as error:
        print(f"citywatch: {error}", file=sys.stderr)
        sys.exit(2)
    except CitywatchError as error:
        print(f"citywatch: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
else:
    attach(*COMMANDS)
