"""Code in the commands: `xinglin exam mark --course FOLDER ASSIGNMENT`, and code items verified with their bank."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exams.autograde.cluster import Cluster
from exams.autograde.marker import ANSWERS, Marker
from exams.autograde.runner import UnavailableError
from exams.items import Item

if TYPE_CHECKING:
    from exams.autograde.course import Report
    from exams.office_cli import Settings


@click.command("mark")
@click.option("--course", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.argument("assignment")
@click.pass_obj
def course_command(settings: Settings, course: Path, assignment: str) -> None:
    """Mark what was handed in of ASSIGNMENT in the nbgrader course root --course, as `nbgrader autograde` would.

    Ends with 1 where a submission could not be marked; started again, it goes on where it ended.

    Example: xinglin exam mark --course ~/physiology nerve
    """
    try:
        report = asyncio.run(_marked(course, assignment, settings.marking))
    except UnavailableError as error:
        raise click.ClickException(str(error)) from error
    for student, why in report.failed.items():
        click.echo(f"{student}: {why}", err=True)
    click.echo(f"{len(report.marked)} submissions were marked; {len(report.skipped)} had been marked before.")
    if report.failed:
        raise click.ClickException(f"{len(report.failed)} submissions could not be marked.")


async def _marked(course: Path, assignment: str, cluster: Cluster) -> Report:
    async with Marker(ANSWERS) as marker:
        # nbgrader takes seconds to import, and every command imports this module; the sandbox starts meanwhile
        from exams.autograde.course import CourseError, mark

        gc.freeze()  # all that was imported stays to the end: looking through it, then too, takes a tenth of the time
        try:
            return await mark(course, assignment, marker, _progress, cluster)
        except CourseError as error:
            raise click.ClickException(str(error)) from error


def verified(items: Iterable[Item]) -> None:
    """Run the solutions of the code items among `items` with their tests; a ClickException says which do not pass."""
    own = [item for item in items if item.type == "code"]

    async def refusals() -> list[str]:
        from exams.autograde.answers import check  # brings nbgrader

        async with Marker(ANSWERS) as marker:
            return [str(one) for found in await asyncio.gather(*(check(marker, item) for item in own)) for one in found]

    try:
        if own and (said := asyncio.run(refusals())):
            raise click.ClickException("\n".join(said))
    except UnavailableError as error:
        raise click.ClickException(str(error)) from error


class Mark(click.Command):
    """`mark EXAM` marks an exam; with `--course` it is `course_command`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """With `--course` the other command is run, and this one is over."""
        if any(own == "--course" or own.startswith("--course=") for own in args):
            with course_command.make_context(ctx.info_name, args, parent=ctx.parent) as inner:
                course_command.invoke(inner)
            ctx.exit()
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The help says that there is another way."""
        formatter.write_paragraph()
        formatter.write_text("With --course FOLDER ASSIGNMENT: marks an assignment of any nbgrader course, in bulk.")


def _progress(done: int, of: int) -> None:
    click.echo(f"{done} of {of}", err=True)
