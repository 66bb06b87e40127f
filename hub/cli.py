"""The command `xinglin`: every group of commands, one place where errors become one readable line."""

from __future__ import annotations

import importlib
import os
import sys

import click

from hub.settings import SettingsError, load

COMMANDS = {
    "answers": ("hub.commands.answers:answers", "Run code answers in a sandbox, for marking."),
    "case": ("courses.cli:case", "Image series of the case library."),
    "course": ("hub.commands.course:course", "Courses and their labs."),
    "demo": ("hub.commands.demo:demo", "The demo's accounts and exams."),
    "exam": ("exams.cli:exam", "Joint exams: build, collect, mark, release."),
    "marking": ("hub.commands.marking:marking", "Mark code on several machines."),
    "serve": ("hub.commands.serve:serve", "Start everything and stay until Ctrl-C."),
    "simulate": ("hub.commands.simulate:simulate", "Run simulations for the exam service."),
    "user": ("hub.commands.user:user", "Accounts, singly or from a roster."),
}
"""Each command's place and what the overview says of it."""


class Commands(click.Group):
    """Imports a command when it is called: Voila, nbgrader and SciPy together take seconds. Errors become one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The overview of `xinglin --help`, without importing what it lists."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options before the command."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise one_line(error) from error

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; whatever it raises becomes a ClickException unless --debug is given."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise one_line(error) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # the outermost edge: a person reads one line, --debug shows the rest
            if ctx.params.get("debug"):
                raise
            said = (str(error).splitlines() or [type(error).__name__])[0]
            raise click.ClickException(f"{said} (--debug shows the details)") from error


def one_line(error: click.UsageError) -> click.UsageError:
    """The same without the lines on usage that click puts before it; where help stands is said in the line."""
    if error.ctx is None or isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error
    return click.UsageError(f"{error.format_message()} Help: {error.ctx.command_path} --help")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def main(context: click.Context, debug: bool) -> None:  # noqa: ARG001 - read by Commands
    """杏林 Xinglin: interactive courseware and joint exams for medical colleges.

    Example: xinglin serve --demo
    """
    os.umask(0o077)  # what the platform writes is its own: databases, logs, homes
    try:
        context.obj = load()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
