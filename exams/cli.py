"""`xinglin exam`: banks, papers, collection, marking, release."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import IO, Any

import click

from exams import release
from exams.autograde.command import Mark, verified
from exams.bank_cli import item_group
from exams.build_cli import BANK, assemble_command, build_command
from exams.documents import DocumentError
from exams.exam import exam_in, exams_in
from exams.interchange.command import export_command, import_command
from exams.items import load_bank
from exams.key_cli import propose_command, sign_command
from exams.office_cli import Settings, language, office
from widgets.i18n import LANGUAGES


class OneLine(click.Group):
    """Refusals of the exams become one readable line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except DocumentError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=OneLine)
def exam() -> None:
    """Joint exams: build, collect, mark, release.

    Example: xinglin exam list
    """


exam.add_command(item_group)
exam.add_command(assemble_command)
exam.add_command(build_command)
exam.add_command(import_command)
exam.add_command(export_command)
exam.add_command(propose_command)
exam.add_command(sign_command)


@exam.command("check")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default=BANK / "diagnostics")
def check_command(folder: Path) -> None:
    """Check the item bank in FOLDER (the diagnostics bank by itself) and count its items.

    Example: xinglin exam check exams/bank/diagnostics
    """
    items = load_bank(folder)
    verified(items)
    for topic in dict.fromkeys(item.topic for item in items):
        own = [item.type for item in items if item.topic == topic]
        counted = "  ".join(f"{kind} {own.count(kind)}" for kind in dict.fromkeys(own))
        click.echo(f"{topic}: {len(own)} items  ({counted})")
    click.echo(f"{len(items)} items, all sound.")


@exam.command("list")
@click.pass_obj
def list_command(settings: Settings) -> None:
    """List the exams: when, how many candidates, whether released.

    Example: xinglin exam list
    """
    for found in exams_in(settings.home / "exams"):
        done = release.released(found.folder)
        state = f"released by {done.by} at {done.at:%Y-%m-%d %H:%M} UTC" if done else "not released"
        times = f"{found.opens:%Y-%m-%d %H:%M} to {found.closes:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{found.id}  {found.title}  {times}  {len(found.roster())} candidates  {state}")


by = click.option("--by", required=True, help="User name of who does it; kept in the audit log.")
name = click.argument("name", metavar="EXAM")


@exam.command("collect")
@name
@by
@language
@click.pass_obj
def collect_command(settings: Settings, name: str, by: str, language: str) -> None:
    """Collect the closed sittings of EXAM as nbgrader submissions.

    Example: xinglin exam collect dx-2027 --by lead01
    """
    with office(settings, language) as (desk, _):
        click.echo(desk.collect(name, by))


@exam.command("mark", cls=Mark)
@name
@by
@language
@click.pass_obj
def mark_command(settings: Settings, name: str, by: str, language: str) -> None:
    """Mark what was handed in of EXAM and is marked by rule; what people mark awaits them.

    Shows how far it is. It can be ended at any point and called again: nobody is ever half marked.

    Example: xinglin exam mark dx-2027 --by lead01
    """
    with office(settings, language) as (desk, _):
        click.echo(desk.mark(name, by))


@exam.command("close")
@name
@by
@language
@click.pass_obj
def close_command(settings: Settings, name: str, by: str, language: str) -> None:
    """End EXAM now, before its closing time; only the group lead does, and only while nobody is writing.

    Example: xinglin exam close dx-2027 --by lead01
    """
    with office(settings, language) as (desk, _):
        click.echo(desk.close(name, by))


@exam.command("release")
@name
@by
@language
@click.pass_obj
def release_command(settings: Settings, name: str, by: str, language: str) -> None:
    """Release the results of EXAM to its candidates; only the group lead does.

    Example: xinglin exam release dx-2027 --by lead01
    """
    with office(settings, language) as (desk, _):
        click.echo(desk.release(name, by))


@exam.command("feedback")
@name
@by
@language
@click.pass_obj
def feedback_command(settings: Settings, name: str, by: str, language: str) -> None:
    """Make nbgrader's feedback of EXAM for those who have none of their marks of now; after the release.

    Example: xinglin exam feedback dx-2027 --by lead01
    """
    with office(settings, language) as (desk, _):
        click.echo(desk.feedback(name, by))


@exam.command("audit")
@name
@click.option("--seal", help="A seal noted down earlier: is it in the log, and all before it as it was?")
@click.option("--out", type=click.File("w", encoding="utf-8"), help="Write the exam's entries here, a JSON a line.")
@click.pass_obj
def audit_command(settings: Settings, name: str, seal: str | None, out: IO[str] | None) -> None:
    """Verify the audit log, and that sittings, responses, the panel's marks and EXAM's results are those it tells of.

    Shows what EXAM has in it. Ends with 1 and the place where it is broken.

    Example: xinglin exam audit dx-2027 --seal 9f86d081...
    """
    found = exam_in(settings.home / "exams", name)
    with office(settings) as (desk, store):
        broken, own, last = store.verify(), list(store.audit(name)), store.last_entry()
        altered, other = desk.panel.verify(), release.altered(found.folder, own)
        sealed = None if seal is None else store.sealed(seal)
    if out is not None:
        out.writelines(json.dumps(vars(entry), ensure_ascii=False) + "\n" for entry in own)
    if broken is not None:
        raise click.ClickException(
            f"The audit log is broken at entry {broken.entry}: {broken.why}. Those before it hold."
        )
    if altered is not None:
        raise click.ClickException(f"The log holds, but the panel's marks are not those that entry {altered} tells of.")
    if other is not None:
        raise click.ClickException(
            f"The log holds, but the results that candidates see are not those that entry {other} tells of."
        )
    for act, number in Counter(entry.act for entry in own).most_common():
        click.echo(f"{act}: {number}")
    if seal is not None and sealed is None:
        raise click.ClickException("The log holds in itself, but the seal you noted is not in it: it was written anew.")
    if sealed is not None:
        click.echo(f"The seal you noted is that of entry {sealed.id}: all up to it is as it was then.")
    if last is not None:
        click.echo(
            f"{len(own)} entries of {name}, all as written. Note down the last seal: {last.seal} (entry {last.id})"
        )


@exam.command("tickets")
@name
@by
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The page to print (HTML); the only copy.")
@click.option("--candidate", "numbers", multiple=True, help="Only this candidate; may be given again. All by itself.")
@click.option("--address", default="", help="Where candidates go, printed on the ticket.")
@click.option("--zone", default="Asia/Shanghai", help="Time zone of the times on the ticket.")
@click.option("--language", type=click.Choice(sorted(LANGUAGES)), default="zh", help="Of the tickets.")
@click.pass_obj
def tickets_command(
    settings: Settings, name: str, by: str, out: Path, numbers: tuple[str, ...], address: str, zone: str, language: str
) -> None:
    """Issue admission tickets for EXAM: candidate number and a code that opens it without the hub.

    Codes are kept as hashes only. Whoever gets a new ticket cannot use the old one.

    Example: xinglin exam tickets dx-2027 --by lead01 --out tickets.html --address exam.example.edu.cn
    """
    from exams.admission import issue

    if out.exists():
        raise click.ClickException(f"{out} exists already: choose another file.")
    found = exam_in(settings.home / "exams", name)
    with office(settings) as (_, store):
        page, number = issue(found, numbers, zone=zone, address=address, language=language)
        store.note(name, by, "tickets", {"issued": number, "candidates": list(numbers)}).result()
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(page)
    click.echo(f"{number} tickets in {out}. Print it and delete it.")
