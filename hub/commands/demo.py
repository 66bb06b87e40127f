"""`xinglin demo`."""

from __future__ import annotations

import click

from hub.accounts_file import accounts_file
from hub.demo import clear
from hub.demo import seed as seed_demo
from hub.settings import Settings


@click.group()
def demo() -> None:
    """The demo: two schools, their accounts, one exam open and one finished.

    Example: xinglin demo seed
    """


@demo.command()
@click.pass_obj
def seed(settings: Settings) -> None:
    """Create the demo's accounts (new random passwords) and exams.

    Example: xinglin demo seed
    """
    seed_demo(settings)
    click.echo(f"The demo is seeded; its accounts are in {accounts_file(settings.home)}.")


@demo.command("clear")
@click.confirmation_option(prompt="Remove the demo's accounts and their passwords?")
@click.pass_obj
def clear_command(settings: Settings) -> None:
    """Remove the demo's accounts.

    Example: xinglin demo clear --yes
    """
    if not accounts_file(settings.home).exists():
        raise click.ClickException(f"There is no demo in {settings.home}.")
    clear(settings)
    click.echo("The demo's accounts are gone.")
