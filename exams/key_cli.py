"""`xinglin exam propose` and `sign`: another key after the exam, first shown with its consequences, then in force."""

from __future__ import annotations

from pathlib import Path

import click

from exams import key, rescoring
from exams.documents import Fields, read_yaml
from exams.errands import AT_WORK
from exams.exam import exam_in
from exams.lock import HeldError, held
from exams.office_cli import Settings, language, office

by = click.option("--by", required=True, help="User name of who does it; kept in the audit log.")


@click.command("propose")
@click.argument("name", metavar="EXAM")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--reason", required=True, help="Why; candidates see it with their results.")
@by
@click.pass_obj
def propose_command(settings: Settings, name: str, file: Path, reason: str, by: str) -> None:
    """Show whose marks the changes of EXAM's key in FILE would change, and keep them to be signed.

    FILE is YAML: item ids with the fields that change, as a bank writes them (key, tolerance, regions, rubric,
    model_answer, tests), accepted (other letters that are right too) or void (true: everybody gets the points).

    Example: xinglin exam propose dx-2027 changes.yaml --reason "Both B and D are right." --by lead01
    """
    document = read_yaml(file)
    fields = Fields(document.data)
    changes = {item: dict(fields.mapping(item).data) for item in fields.data}
    found = exam_in(settings.home / "exams", name)
    with office(settings) as (desk, _):
        rescored = desk.preview(name, changes)
        try:
            with held(found.folder / AT_WORK):  # what the group lead is signing on the page is not replaced
                key.propose(found, key.Proposal(by, reason, changes, rescoring.signature(changes, rescored)))
        except HeldError as error:
            raise click.ClickException("Other work on this exam is under way. Try again when it is done.") from error
    for one in rescored:
        told = "  ".join(f"{item} {_told(old)} -> {_told(new)}" for item, (old, new) in sorted(one.items.items()))
        click.echo(f"{one.number}  {one.before:g} -> {one.after:g}  ({told})")
    certain = sum(one.certain for one in rescored)
    click.echo(f"{certain} candidates get other marks.")
    if open_ := len(rescored) - certain:
        click.echo(f"The marks of {open_} more may change: people or a run of their code give them.")
    click.echo(f"Nothing is changed before: xinglin exam sign {name} --by LEAD")


def _told(points: float | None) -> str:
    return "?" if points is None else f"{points:g}"


@click.command("sign")
@click.argument("name", metavar="EXAM")
@by
@language
@click.pass_obj
def sign_command(settings: Settings, name: str, by: str, language: str) -> None:
    """Put the proposed change of EXAM's key into force and mark all anew by it; only the group lead does.

    Example: xinglin exam sign dx-2027 --by lead01
    """
    with office(settings, language) as (desk, _):
        click.echo(desk.rescore(name, by))
