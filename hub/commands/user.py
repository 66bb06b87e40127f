"""`xinglin user`: accounts."""

from __future__ import annotations

import csv
from pathlib import Path

import click

from hub.accounts import Accounts
from hub.people import Directory, Person, Role, RosterError, person_from, read_roster
from hub.settings import Settings
from hub.state import engine


def directory_of(settings: Settings) -> Directory:
    """The people of this installation."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Directory(engine(settings.database_url))


def accounts_of(settings: Settings) -> Accounts:
    """The accounts of this installation."""
    return Accounts(directory_of(settings), settings.hub_database_url)


@click.group()
def user() -> None:
    """Accounts of students, teachers, group leads and operators.

    Example: xinglin user add --name 学生01 --school 东校 --class 2024-1 --role student student01
    """


@user.command("add")
@click.argument("account")
@click.option("--name", required=True, help="The person's name.")
@click.option("--school", default="", help="Their school.")
@click.option("--class", "group", default="", help="Their class.")
@click.option("--role", type=click.Choice([str(role) for role in Role]), default=str(Role.STUDENT), show_default=True)
@click.pass_obj
def add(settings: Settings, account: str, name: str, school: str, group: str, role: str) -> None:
    """Create ACCOUNT, or renew its password, and print the new password.

    Example: xinglin user add --name 教师01 --school 东校 --role teacher teacher01
    """
    fields: dict[str, str | None] = {"user": account, "name": name, "school": school, "class": group, "role": role}
    try:
        person = person_from(fields, "user add")
    except RosterError as error:
        raise click.ClickException(str(error)) from error
    click.echo(accounts_of(settings).create([person])[person.user])


@user.command("import")
@click.argument("roster", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="New passwords go here.")
@click.pass_obj
def import_command(settings: Settings, roster: Path, out: Path) -> None:
    """Create the accounts of a CSV ROSTER (user, name, school, class, role); its passwords are written to OUT.

    Example: xinglin user import roster.csv --out passwords.csv
    """
    from hub.secrets import write_private

    if not out.parent.is_dir():  # said before any password is renewed
        raise click.ClickException(f"There is no folder {out.parent} for the passwords: make it, or name another.")
    try:
        people = read_roster(roster)
    except RosterError as error:
        raise click.ClickException(str(error)) from error
    accounts = accounts_of(settings)
    with click.progressbar(length=len(people), label="Accounts") as bar:
        passwords = accounts.create(people, lambda _done: bar.update(1))
    write_private(out, password_sheet(people, passwords))
    click.echo(f"{len(people)} accounts; their passwords are in {out}: hand them out, then delete the file.")


def password_sheet(people: list[Person], passwords: dict[str, str]) -> str:
    """A CSV of account, name, school, class and password."""
    import io

    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(["user", "name", "school", "class", "password"])
    for person in people:
        writer.writerow([person.user, person.name, person.school, person.group, passwords[person.user]])
    return sheet.getvalue()


@user.command("list")
@click.pass_obj
def list_command(settings: Settings) -> None:
    """How many accounts each role has.

    Example: xinglin user list
    """
    for role, number in directory_of(settings).counts().items():
        click.echo(f"{role:<9} {number}")
