"""`xinglin course`: build and list labs, and run the apps service."""

from __future__ import annotations

import os

import click

from courses.catalogue import read_catalogue
from hub.settings import Settings


@click.group()
def course() -> None:
    """Courses and their labs.

    Example: xinglin course list
    """


@course.command("build")
@click.pass_obj
def build_command(settings: Settings) -> None:
    """Build every lab into $XINGLIN_HOME/courses.

    Example: xinglin course build
    """
    from courses.build import build  # jupytext takes a second to import

    for path in build(read_catalogue(), settings.home / "courses"):
        click.echo(str(path.relative_to(settings.home)))


@course.command("list")
def list_command() -> None:
    """List courses, labs and their number of tasks.

    Example: xinglin course list
    """
    for found in read_catalogue().courses:
        click.echo(f"{found.id}  {found.title.zh}  {found.title.en}")
        for lab in found.labs:
            click.echo(f"  {lab.id}  {lab.title.zh}  {len(lab.tasks)} tasks")


@course.command("serve", hidden=True)
@click.pass_obj
def serve_command(settings: Settings) -> None:
    """Run the apps service; `xinglin serve` starts it with the hub's environment.

    Example: xinglin course serve
    """
    from hub.apps import serve  # Voila takes a second to import; the other commands do not need it

    if not (url := os.environ.get("JUPYTERHUB_SERVICE_URL")):
        raise click.ClickException("The apps service is started by `xinglin serve`.")
    serve(settings, url)
