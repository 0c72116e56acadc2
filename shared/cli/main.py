"""`orderlink`: the list of commands. Each lives in a module of its own, loaded when it is called.

So a package that only one command needs may be missing without the others noticing.
"""

from importlib import import_module
from typing import Final

import typer

COMMANDS: Final[dict[str, str]] = {
    "demo": "Play three weeks of a shop on the real stack, live in this terminal.",
    "up": "Start broker, database and the four services; Ctrl-C stops all.",
    "console": "The board of all orders of a running system, live in this terminal.",
    "simulate": "Run a timeline under a virtual clock, in one process, and count what happens.",
    "replay": "Play a timeline over HTTP on the real stack, in lockstep or in scaled time.",
    "dead-letters": "List, show, redrive or discard what a service could not digest.",
    "audit": "Read the topics and check every order's numbering.",
    "restore-check": "After a database was restored: what is missing, and its numbers mended.",
    "topics": "Make, check and migrate the topics of the catalogue.",
    "contracts": "Event schemas, examples and the AsyncAPI document.",
    "chart": "Write and check the parts of the Helm chart that follow from the code.",
    "settings": "Every setting with its unit, default and meaning.",
    "metrics": "Every metric with its labels and its meaning.",
    "dashboards": "Write Grafana's dashboards, made from data.",
    "profiles": "Profiles and shops: checked, shown, listed, and laid side by side.",
}

app = typer.Typer(
    name="orderlink",
    help="What a shop's service team owes a buyer because an order exists, as four services.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _register(name: str, summary: str) -> None:
    @app.command(
        name,
        help=summary,
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def run(context: typer.Context) -> None:
        module = f"shared.cli.{name.replace('-', '_')}"
        try:
            command: typer.Typer = import_module(module).app
        except ModuleNotFoundError as problem:
            typer.echo(
                f"`orderlink {name}` needs {problem.name}, which is not installed. "
                "Run `make setup`, or: pip install 'orderlink[embedded]'",
                err=True,
            )
            raise typer.Exit(1) from problem
        command(args=list(context.args), prog_name=f"orderlink {name}")


for _name, _summary in COMMANDS.items():
    _register(_name, _summary)


def main() -> None:
    """The console script."""
    app()
