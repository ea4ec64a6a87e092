"""The command `kino-backup-tui`: which verb was asked for, and how every failure ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from kino_backup_tui import __version__
from kino_backup_tui.cli.exit_codes import INTERNAL, OK, USAGE, exit_code, signal_exit_code
from kino_backup_tui.cli.options import data_path_option, layout_option
from kino_backup_tui.cli.output import (
    OutputError,
    abandon_output,
    output_error,
    prepare_streams,
    talk,
    tell_error,
    warn,
    write_json,
)
from kino_backup_tui.cli.session import Session
from kino_backup_tui.cli.signals import StoppedBySignal, stop_on_signals
from kino_backup_tui.core.clock import zone_problem
from kino_backup_tui.core.errors import KinoBackupError, UsageError
from kino_backup_tui.core.kino.command import PROGRAM

VERBS = {
    "status": "status",
    "list": "list_",
    "show": "show",
    "create": "create",
    "verify": "verify",
    "export": "export",
    "import": "import_",
    "restore": "restore",
    "rollback": "rollback",
    "apply": "apply",
    "delete": "delete",
    "prune": "prune",
    "reindex": "reindex",
    "schedule": "schedule",
    "run-due": "run_due",
    "install-service": "install_service",
    "uninstall-service": "uninstall_service",
    "doctor": "doctor",
    "jobs": "jobs",
    "watch": "watch",
    "serve": "serve",
    "api-key": "api_key",
    "demo": "demo",
}
"""Each verb and its module in `cli.verbs`, in the order of the help text."""

_WRITTEN_BY_CLICK = frozenset({"--help", "--version"})


class _Verbs(click.Group):
    """Loads the module of a verb when the verb is asked for: each pays for itself alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"kino_backup_tui.cli.verbs.{VERBS[cmd_name]}").command
        return command


@click.command(cls=_Verbs, invoke_without_command=True)
@data_path_option
@layout_option
@click.option(
    "--demo",
    is_flag=True,
    help="Open the screens on a sample Kino in a temporary folder; with --layout, on that one.",
)
@click.version_option(
    __version__, prog_name=PROGRAM, message="%(prog)s %(version)s", help="Show the version and exit."
)
@click.pass_context
def cli(context: click.Context, data_path: Path | None, layout: str | None, demo: bool) -> int | None:
    """Backups of the Kino media server.

    Without a verb: the backup page, on this terminal.
    """
    if demo and (context.invoked_subcommand or data_path):
        raise UsageError("--demo brings its own Kino: it goes with no verb and no --data-path.")
    context.obj = Session(data_path, layout)
    problem = zone_problem()
    if problem:
        warn(problem)
    if context.invoked_subcommand:
        return None
    return _open_screens(context.obj, demo=demo)


def _open_screens(session: Session, *, demo: bool) -> int:
    from kino_backup_tui.tui.terminal import can_draw, run_app

    if not can_draw(os.environ):
        raise UsageError(
            "There is no terminal to draw on.",
            hint=f"Use a verb ({PROGRAM} --help), or give ssh the option -t.",
        )
    if not demo:
        return run_app(session.context())

    from kino_backup_tui.core.clock import SystemClock
    from kino_backup_tui.core.kino.home import DOCUMENTED, LAYOUTS, Kino
    from kino_backup_tui.core.operations.context import Context
    from kino_backup_tui.demo.session import demo_session

    talk("Preparing the sample Kino …")
    layout = LAYOUTS[session.layout or DOCUMENTED.name]
    with demo_session(SystemClock(), layout) as sample:
        return run_app(Context(Kino(sample.data_path, layout, sample.url)), sample=True)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (`sys.argv` by default) and return its exit code."""
    prepare_streams()
    arguments = sys.argv[1:] if arguments is None else arguments
    # Read from the raw arguments, because the usage error may be in them.
    as_json = "--json" in arguments
    try:
        return _invoke(arguments, as_json=as_json)
    except OutputError as failure:
        abandon_output()
        if failure.problem is None:
            # `kino-backup-tui list | head -1`: the reader has what it wanted.
            return OK
        _report(failure.problem, as_json=False)
        return exit_code(type(failure.problem))


def _invoke(arguments: Sequence[str], *, as_json: bool) -> int:
    try:
        with stop_on_signals():
            return cli.main(list(arguments), prog_name=PROGRAM, standalone_mode=False) or OK
    except StoppedBySignal as stop:
        _report(stop.error, as_json=as_json)
        return signal_exit_code(stop.number)
    except click.UsageError as error:
        usage = (
            "" if error.ctx is None else f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help'."
        )
        _report(UsageError(error.format_message(), hint=usage), as_json=as_json)
        return USAGE
    except KinoBackupError as error:
        _report(error, as_json=as_json)
        return exit_code(type(error))
    except OutputError:
        raise
    except SystemExit as gone:
        # How click ends where nobody reads what it writes by itself.
        raise OutputError(None) from gone
    except Exception as error:
        if isinstance(error, OSError) and _WRITTEN_BY_CLICK.intersection(arguments):
            raise output_error(error) from error
        # A bug. The one place that catches everything: an admin gets a sentence, not a traceback.
        _report(
            KinoBackupError(
                f"internal error: {type(error).__name__}: {error}",
                hint="Please report this with the command.",
            ),
            as_json=as_json,
        )
        return INTERNAL


def _report(error: KinoBackupError, *, as_json: bool) -> None:
    if as_json:
        from kino_backup_tui.presentation.objects import error_object

        write_json(error_object(error))
        return
    tell_error(error)
