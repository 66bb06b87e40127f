"""`xinglin serve`."""

from __future__ import annotations

import asyncio

import click

from courses.build import build
from courses.catalogue import read_catalogue
from exams.bankdesk.furnish import FOLDER as BANKS
from exams.bankdesk.furnish import furnish
from hub.accounts_file import accounts_file, read_accounts
from hub.serve import Platform, ServeError, check_ground
from hub.settings import Settings
from widgets.assets import build as build_assets


@click.command()
@click.option("--demo", "with_demo", is_flag=True, help="Seed the demo where it is missing.")
@click.pass_obj
def serve(settings: Settings, with_demo: bool) -> None:
    """Start everything and stay until Ctrl-C.

    Example: XINGLIN_PORT=8080 xinglin serve --demo
    """
    try:
        check_ground(settings)
    except ServeError as error:  # says itself what to do; a traceback would add nothing
        raise click.ClickException(str(error)) from error
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    click.echo("==> Widgets")
    build_assets()
    click.echo("==> Courses")
    build(read_catalogue(), settings.home / "courses")
    furnish(settings.home / BANKS)
    if with_demo and not accounts_file(settings.home).exists():
        from hub.demo import seed  # nbgrader and SciPy, which a second start does without

        click.echo("==> Demo: schools, accounts, exams")
        seed(settings)
    click.echo("==> Starting")
    asyncio.run(Platform(settings).run(lambda: announce(settings)))
    click.echo("Stopped.")


def announce(settings: Settings) -> None:
    """Where it runs and, in the demo, who can log in."""
    click.echo(f"\n杏林 Xinglin: http://{settings.server.address}:{settings.server.port}\n")
    if accounts_file(settings.home).exists():
        for account in read_accounts(settings.home):
            click.echo("  {role:<9} {name:<12} {password}   {school}".format(**account))
        click.echo("\nDemo accounts; also in " + str(accounts_file(settings.home)))
    click.echo("Ctrl-C stops it.")
