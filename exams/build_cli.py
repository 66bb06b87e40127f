"""`xinglin exam assemble` and `build`: from bank and blueprint to forms, and from forms and roster to an exam."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from string import ascii_uppercase

import click

from exams import blueprint, ledger, roster, sealed
from exams.autograde.command import verified
from exams.bankdesk.furnish import FOLDER as BANKS
from exams.exam import EXAM_ID, ROSTER, Exam, Session
from exams.form import Form
from exams.items import load_bank
from exams.office_cli import Settings, office
from exams.roster import Candidate
from exams.tickets import printed

BANK = Path(__file__).parent / "bank"
FORMS = ascii_uppercase
SESSION = "ID,OPENS,CLOSES,SCHOOL...: a window of its own for these schools; may be given again."
SEAL = "Keep the paper encrypted: it opens by itself with the exam, or with the key that the lead holds."
PAPERS = "Folder of forms that `assemble` made, instead of a blueprint."


def when(_context: click.Context, parameter: click.Parameter, value: str) -> datetime:
    """A date and time with its offset from UTC, as aware UTC."""
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a time such as 2027-01-08T09:00+08:00.", param=parameter) from error
    if instant.tzinfo is None:
        raise click.BadParameter("Give the offset from UTC too, as in 2027-01-08T09:00+08:00.", param=parameter)
    return instant.astimezone(UTC)


def own_bank(context: click.Context, _parameter: click.Parameter, folder: Path | None) -> Path:
    """The folder named; by itself the installation's own bank, and before it has one the bank that comes with us."""
    if folder is not None:
        return folder
    own: Path = context.obj.home / BANKS / "diagnostics"
    return own if own.is_dir() else BANK / "diagnostics"


of_bank = click.option(
    "--bank",
    callback=own_bank,
    type=click.Path(path_type=Path),
    help="Folder of the item bank; the installation's diagnostics bank by itself.",
)


def _sessions(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Session, ...]:
    """Sessions as `id,opens,closes,school,school...`."""
    found = []
    for value in values:
        parts = value.split(",")
        if len(parts) < 3:
            raise click.BadParameter(f"{value!r} is not ID,OPENS,CLOSES or ID,OPENS,CLOSES,SCHOOL...", param=parameter)
        opens, closes = (when(_context, parameter, part) for part in parts[1:3])
        found.append(Session(parts[0], opens, closes, tuple(parts[3:])))
    return tuple(found)


@click.command("assemble")
@click.argument("plan", metavar="BLUEPRINT", type=click.Path(path_type=Path))
@of_bank
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
    told = summary(forms, blueprint.load(plan), ledger.measured(ledger.read(bank) or ()))
    click.echo(json.dumps({"seed": seed} | told, ensure_ascii=False, indent=1))


@click.command("build")
@click.argument("name", metavar="EXAM")
@click.option("--title", required=True, help="What candidates see.")
@click.option("--opens", required=True, callback=when, help="When candidates may enter, with offset from UTC.")
@click.option("--closes", required=True, callback=when, help="When it ends for all, with offset from UTC.")
@click.option("--minutes", required=True, type=click.IntRange(1, 600), help="How long one sitting lasts.")
@click.option("--lead", required=True, help="User name of the group lead, who releases the results.")
@click.option(
    "--roster", "roster_file", required=True, type=click.Path(path_type=Path), help="Candidates: .csv or .xlsx."
)
@of_bank
@click.option(
    "--blueprint", "plan", default=BANK / "diagnostics" / "blueprint-20.toml", type=click.Path(path_type=Path)
)
@click.option("--forms", "papers", type=click.Path(path_type=Path, exists=True, file_okay=False), help=PAPERS)
@click.option("--course", default="diagnostics", help="nbgrader course of the collaboration group.")
@click.option("--seed", default=1, type=click.IntRange(0), help="Decides among forms that fit the blueprint.")
@click.option("--session", "sessions", multiple=True, callback=_sessions, help=SESSION)
@click.option("--checkin", is_flag=True, help="Candidates enter with the code of their room, or are checked in.")
@click.option(
    "--late-minutes", default=0, type=click.IntRange(0), help="Who begins later needs the invigilator; 0: nobody."
)
@click.option("--seb-key", "seb_keys", multiple=True, help="Config Key of Safe Exam Browser; may be given again.")
@click.option("--seal", type=click.Choice(["until-open", "held"]), help=SEAL)
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
    sessions: tuple[Session, ...],
    checkin: bool,
    late_minutes: int,
    seb_keys: tuple[str, ...],
    seal: str | None,
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
    verified(item for form in forms for item in form.items)
    names = tuple(form.id for form in forms)
    rules = (sessions, checkin, late_minutes, seb_keys)
    made = Exam(name, course, title, opens, closes, minutes, lead, schools, names, folder, *rules)
    released: list[Path] = []
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, folder)
        made.save()
        roster.write(folder / ROSTER, candidates)
        Exam.load(folder).roster()
        if seal:
            _seal(made, forms, held=seal == "held")
        else:
            for form in forms:
                made.save_form(form)
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


def _seal(exam: Exam, forms: Sequence[Form], *, held: bool) -> None:
    """Keep the forms sealed, and tell the key where the group lead is to hold it."""
    key = sealed.new_key()
    for form in forms:
        sealed.seal(exam, form, key)
    if held:
        click.echo(f"Key of the paper, kept nowhere: {printed(key)}. Give it at the desk when the exam opens.")
    else:
        sealed.give_key(exam, key)
        click.echo("The paper is sealed until the exam opens.")


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
        return assembly.assemble(
            items,
            blueprint.load(plan),
            forms=forms,
            exam=name,
            seed=seed,
            exposure=ledger.exposure(entries or ()),
            measured=ledger.measured(entries or ()),
        )
    except assembly.AssemblyError as error:
        raise click.ClickException(str(error)) from error
