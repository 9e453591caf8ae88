"""The command line: one Typer application, one module per group of commands."""

import typer

app = typer.Typer(
    name="citywatch",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def citywatch() -> None:
    """Smart-city sensor monitor: sensors over MQTT to alerts one can trust."""
