"""`xinglin exam`: banks, papers, collection, marking, release."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from string import ascii_uppercase
from typing import IO, TYPE_CHECKING, Any, Protocol

import click

from exams import blueprint, ledger, release, roster
from exams.bank_cli import item_group
from exams.documents import DocumentError
from exams.exam import DATABASE, EXAM_ID, ROSTER, Exam, exam_in, exams_in
from exams.form import Form
from exams.interchange.command import export_command, import_command
from exams.items import load_bank
from exams.roster import Candidate
from exams.sitting import SittingStore
from widgets.i18n import LANGUAGES

if TYPE_CHECKING:
    from exams.office import Office

BANK = Path(__file__).parent / "bank"
FORMS = ascii_uppercase
PAPERS = "Folder of forms that `assemble` made, instead of a blueprint."


class Settings(Protocol):
    """What the commands need of the platform's settings."""

    @property
    def home(self) -> Path:
        """$XINGLIN_HOME, where state lives."""


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
exam.add_command(import_command)
exam.add_command(export_command)


def when(_context: click.Context, parameter: click.Parameter, value: str) -> datetime:
    """A date and time with its offset from UTC, as aware UTC."""
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a time such as 2027-01-08T09:00+08:00.", param=parameter) from error
    if instant.tzinfo is None:
        raise click.BadParameter("Give the offset from UTC too, as in 2027-01-08T09:00+08:00.", param=parameter)
    return instant.astimezone(UTC)


@contextmanager
def office(settings: Settings, language: str = "en") -> Iterator[tuple[Office, SittingStore]]:
    """The office over the platform's response store."""
    # nbgrader takes seconds to import, and every `xinglin` command imports this module
    from exams.gradebook import GradebookError
    from exams.office import Office, OfficeError

    (settings.home / "exams").mkdir(parents=True, exist_ok=True, mode=0o700)
    store = SittingStore(f"sqlite:///{settings.home / 'exams' / DATABASE}")
    try:
        desk = Office(settings.home, store, language=language)
        try:
            yield desk, store
        except OfficeError as error:
            raise click.ClickException(desk.say(error.text, **error.values)) from error
        except GradebookError as error:
            raise click.ClickException(str(error)) from error
    finally:
        store.close()


@exam.command("check")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default=BANK / "diagnostics")
def check_command(folder: Path) -> None:
    """Check the item bank in FOLDER (the diagnostics bank by itself) and count its items.

    Example: xinglin exam check exams/bank/diagnostics
    """
    items = load_bank(folder)
    for topic in dict.fromkeys(item.topic for item in items):
        own = [item.type for item in items if item.topic == topic]
        counted = "  ".join(f"{kind} {own.count(kind)}" for kind in dict.fromkeys(own))
        click.echo(f"{topic}: {len(own)} items  ({counted})")
    click.echo(f"{len(items)} items, all sound.")


@exam.command("assemble")
@click.argument("plan", metavar="BLUEPRINT", type=click.Path(path_type=Path))
@click.option("--bank", default=BANK / "diagnostics", type=click.Path(path_type=Path), help="Folder of the item bank.")
@click.option("--forms", "number", default=1, type=click.IntRange(1, len(FORMS)), help="How many parallel forms.")
@click.option("--seed", default=1, type=click.IntRange(0), help="Decides among forms that fit the blueprint.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder to write the forms to, keys and all."
)
@click.option("--exam", "name", help="Exam that they are for; the folder's name by itself.")
def assemble_command(plan: Path, bank: Path, number: int, seed: int, out: Path, name: str | None) -> None:
    """Assemble parallel forms A, B, ... from BLUEPRINT and print a JSON summary of them.

    Example: xinglin exam assemble exams/bank/diagnostics/blueprint-20.toml --forms 2 --seed 7 --out dx-2027
    """
    from exams.assembly import summary

    name = name or out.resolve().name
    if not EXAM_ID.fullmatch(name):
        raise click.ClickException("The name of an exam holds letters a-z, digits, - and _ only: give one with --exam.")
    if out.exists() and any(out.iterdir()):
        raise click.ClickException(f"{out} is not empty: choose another folder.")
    forms = _assembled(bank, plan, name, FORMS[:number], seed)
    for form in forms:
        form.save(out / f"{form.id}.json")
    click.echo(json.dumps({"seed": seed} | summary(forms, blueprint.load(plan)), ensure_ascii=False, indent=1))


@exam.command("build")
@click.argument("name", metavar="EXAM")
@click.option("--title", required=True, help="What candidates see.")
@click.option("--opens", required=True, callback=when, help="When candidates may enter, with offset from UTC.")
@click.option("--closes", required=True, callback=when, help="When it ends for all, with offset from UTC.")
@click.option("--minutes", required=True, type=click.IntRange(1, 600), help="How long one sitting lasts.")
@click.option("--lead", required=True, help="User name of the group lead, who releases the results.")
@click.option(
    "--roster", "roster_file", required=True, type=click.Path(path_type=Path), help="Candidates: .csv or .xlsx."
)
@click.option("--bank", default=BANK / "diagnostics", type=click.Path(path_type=Path), help="Folder of the item bank.")
@click.option(
    "--blueprint", "plan", default=BANK / "diagnostics" / "blueprint-20.toml", type=click.Path(path_type=Path)
)
@click.option("--forms", "papers", type=click.Path(path_type=Path, exists=True, file_okay=False), help=PAPERS)
@click.option("--course", default="diagnostics", help="nbgrader course of the collaboration group.")
@click.option("--seed", default=1, type=click.IntRange(0), help="Decides among forms that fit the blueprint.")
@click.pass_obj
def build_command(
    settings: Settings,
    name: str,
    title: str,
    opens: datetime,
    closes: datetime,
    minutes: int,
    lead: str,
    roster_file: Path,
    bank: Path,
    plan: Path,
    papers: Path | None,
    course: str,
    seed: int,
) -> None:
    """Assemble a form from a blueprint, or take the forms of `assemble`, and make EXAM of it, in nbgrader too.

    Example: xinglin exam build dx-2027 --title 诊断学联考 --opens 2027-01-08T09:00+08:00
    --closes 2027-01-08T11:00+08:00 --minutes 60 --lead lead01 --roster roster.csv
    """
    folder = settings.home / "exams" / name
    if not EXAM_ID.fullmatch(name):
        raise click.ClickException("The name of an exam holds letters a-z, digits, - and _ only.")
    if folder.exists():
        raise click.ClickException(f"There is an exam {name} already: choose another name.")
    if closes <= opens:
        raise click.ClickException("The exam must close after it opens.")
    candidates = _roster(roster_file)
    schools = tuple(dict.fromkeys(candidate.school for candidate in candidates))
    forms = _papers(papers, name) if papers else _assembled(bank, plan, name, FORMS[:1], seed)
    made = Exam(name, course, title, opens, closes, minutes, lead, schools, tuple(form.id for form in forms), folder)
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, folder)
        made.save()
        for form in forms:
            made.save_form(form)
        roster.write(folder / ROSTER, candidates)
        made.roster()
        with office(settings) as (desk, _):
            released = desk.build(made)
        _used(bank, forms, lead)
        undo.pop_all()
    for form in forms:
        click.echo(f"{name}, form {form.id}: {len(form.items)} items, {form.maximum:g} points.")
    click.echo(f"{len(candidates)} candidates.")
    for path in released:
        click.echo(f"Release without solutions and hidden tests: {path}")


def _roster(file: Path) -> tuple[Candidate, ...]:
    """The candidates in a CSV file or a workbook."""
    if file.suffix.lower() != ".xlsx":
        return roster.read(file)
    from exams import roster_sheet  # reading workbooks takes a while to import

    return roster_sheet.read(file)


def _used(bank: Path, forms: Sequence[Form], by: str) -> None:
    """Write into the ledger of the bank, where it has one, which of its items now stand in forms of an exam."""
    if ledger.read(bank) is None:
        return
    own, now = {item.id: item for item in load_bank(bank)}, datetime.now(UTC)
    used = [(own[item.id], form) for form in forms for item in form.items if item.id in own]
    entries = [ledger.entry(item, ledger.Act.USE, by, now, exam=form.exam, form=form.id) for item, form in used]
    ledger.append(bank, entries)


def _papers(folder: Path, name: str) -> tuple[Form, ...]:
    """The forms in `folder`, which were assembled for this exam."""
    forms = tuple(Form.load(path) for path in sorted(folder.glob("*.json")))
    if not forms:
        raise click.ClickException(f"There are no forms (*.json) in {folder}: make some with `xinglin exam assemble`.")
    for form in forms:
        if form.exam != name:
            raise click.ClickException(f"Form {form.id} was assembled for the exam {form.exam}, not for {name}.")
    return forms


def _assembled(bank: Path, plan: Path, name: str, forms: Sequence[str], seed: int) -> tuple[Form, ...]:
    from exams import assembly  # SciPy's optimisers take a second to import

    try:
        entries = ledger.read(bank)
        items = ledger.usable(entries, load_bank(bank))
        exposure = ledger.exposure(entries or ())
        return assembly.assemble(items, blueprint.load(plan), forms=forms, exam=name, seed=seed, exposure=exposure)
    except assembly.AssemblyError as error:
        raise click.ClickException(str(error)) from error


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


language = click.option("--language", type=click.Choice(sorted(LANGUAGES)), default="en", help="Of the answer.")
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
    with office(settings, language) as (desk, store):
        _note(settings, store, name, by, "collect", said := desk.collect(name))
    click.echo(said)


@exam.command("mark")
@name
@by
@language
@click.pass_obj
def mark_command(settings: Settings, name: str, by: str, language: str) -> None:
    """Collect EXAM and mark what is marked by rule; short answers await markers in formgrader.

    Example: xinglin exam mark dx-2027 --by lead01
    """
    with office(settings, language) as (desk, store):
        _note(settings, store, name, by, "mark", said := desk.mark(name))
    click.echo(said)


@exam.command("close")
@name
@by
@language
@click.pass_obj
def close_command(settings: Settings, name: str, by: str, language: str) -> None:
    """End EXAM now, before its closing time; only the group lead does, and only while nobody is writing.

    Example: xinglin exam close dx-2027 --by lead01
    """
    with office(settings, language) as (desk, store):
        _note(settings, store, name, by, "close", said := desk.close(name, by))
    click.echo(said)


@exam.command("release")
@name
@by
@language
@click.pass_obj
def release_command(settings: Settings, name: str, by: str, language: str) -> None:
    """Release the results of EXAM to its candidates; only the group lead does.

    Example: xinglin exam release dx-2027 --by lead01
    """
    with office(settings, language) as (desk, store):
        _note(settings, store, name, by, "release", said := desk.release(name, by))
    click.echo(said)


def _note(settings: Settings, store: SittingStore, name: str, by: str, act: str, said: str) -> None:
    """Keep an act in the audit log."""
    store.note(exam_in(settings.home / "exams", name).id, by, act, {"outcome": said}).result()


@exam.command("audit")
@name
@click.option("--seal", help="A seal noted down earlier: is it in the log, and all before it as it was?")
@click.option("--out", type=click.File("w", encoding="utf-8"), help="Write the exam's entries here, a JSON a line.")
@click.pass_obj
def audit_command(settings: Settings, name: str, seal: str | None, out: IO[str] | None) -> None:
    """Verify the audit log, and that the sittings and responses are those it tells of; show what EXAM has in it.

    Ends with 1 and the place where it is broken.

    Example: xinglin exam audit dx-2027 --seal 9f86d081...
    """
    exam_in(settings.home / "exams", name)
    with office(settings) as (_, store):
        broken, own, last = store.verify(), list(store.audit(name)), store.last_entry()
        sealed = None if seal is None else store.sealed(seal)
    if out is not None:
        out.writelines(json.dumps(vars(entry), ensure_ascii=False) + "\n" for entry in own)
    if broken is not None:
        raise click.ClickException(
            f"The audit log is broken at entry {broken.entry}: {broken.why}. Those before it hold."
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
