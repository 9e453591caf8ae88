"""Which commands there are; each brings its own imports, so that a process carries no other's."""

from importlib import import_module

import typer

from citywatch.cli import app

# In the order of `--help`: where in `citywatch.cli` each command, or group of commands, stands.
COMMANDS = {
    "up": "up.up",
    "doctor": "doctor.doctor",
    "status": "doctor.status",
    "account": "account.account",
    "migrate": "migrate.migrate_command",
    "backup": "backup.backup",
    "restore": "backup.restore_command",
    "bench": "bench.bench",
    "simulate": "simulate.simulate",
    "score": "score.score",
    "replay": "replay.replay",
    "mappings": "replay.mappings",
    "record": "record.record",
    "export": "export.export",
    "import": "history.import_",
    "serve": "serve.serve",
    "probe": "probe.app",
    "broker": "broker.app",
    "accounts": "accounts.app",
    "audit": "audit.app",
    "ingest": "ingest.app",
    "fold": "fold.app",
    "store": "store.app",
    "rules": "rules.app",
    "rejected": "rejected.app",
    "devices": "devices.app",
    "indicators": "indicators.app",
}


def attach(*names: str) -> None:
    """Give the application the commands named."""
    for name in names:
        module, _, attribute = COMMANDS[name].partition(".")
        command = getattr(import_module(f"citywatch.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
