"""The command `xinglin`: every group of commands, one place where errors become one readable line."""

from __future__ import annotations

import sys

import click

from courses.cli import case
from hub.commands import course, demo, serve, user
from hub.commands.exam import exam
from hub.settings import SettingsError, load


class OneLineErrors(click.Group):
    """Shows an error as one line; the traceback only with --debug."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; whatever it raises becomes a ClickException unless --debug is given."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # the outermost edge: a person reads one line, --debug shows the rest
            if ctx.params.get("debug"):
                raise
            raise click.ClickException(f"{error or type(error).__name__} (--debug shows the details)") from error


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def main(context: click.Context, debug: bool) -> None:  # noqa: ARG001 - read by OneLineErrors
    """杏林 Xinglin: interactive courseware and joint exams for medical colleges.

    Example: xinglin serve --demo
    """
    try:
        context.obj = load()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


main.add_command(serve.serve)
main.add_command(demo.demo)
main.add_command(course.course)
main.add_command(user.user)
main.add_command(exam)
main.add_command(case)

if __name__ == "__main__":
    sys.exit(main())
