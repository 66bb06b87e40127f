"""`xinglin exam`: banks, papers, collection, marking, release."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from exams import blueprint, release, roster
from exams.documents import DocumentError
from exams.exam import DATABASE, EXAM_ID, ROSTER, Exam, exam_in, exams_in
from exams.form import Form
from exams.interchange.command import export_command, import_command
from exams.items import load_bank
from exams.sitting import SittingStore
from widgets.i18n import LANGUAGES

if TYPE_CHECKING:
    from exams.office import Office

BANK = Path(__file__).parent / "bank"


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


@exam.command("build")
@click.argument("name", metavar="EXAM")
@click.option("--title", required=True, help="What candidates see.")
@click.option("--opens", required=True, callback=when, help="When candidates may enter, with offset from UTC.")
@click.option("--closes", required=True, callback=when, help="When it ends for all, with offset from UTC.")
@click.option("--minutes", required=True, type=click.IntRange(1, 600), help="How long one sitting lasts.")
@click.option("--lead", required=True, help="User name of the group lead, who releases the results.")
@click.option("--roster", "roster_file", required=True, type=click.Path(path_type=Path), help="CSV of candidates.")
@click.option("--bank", default=BANK / "diagnostics", type=click.Path(path_type=Path), help="Folder of the item bank.")
@click.option(
    "--blueprint", "plan", default=BANK / "diagnostics" / "blueprint-20.toml", type=click.Path(path_type=Path)
)
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
    course: str,
    seed: int,
) -> None:
    """Assemble a form from a blueprint and make EXAM of it, as an nbgrader assignment too.

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
    candidates = roster.read(roster_file)
    schools = tuple(dict.fromkeys(candidate.school for candidate in candidates))
    form = _assembled(bank, plan, name, seed)
    made = Exam(name, course, title, opens, closes, minutes, lead, schools, (form.id,), folder)
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, folder)
        made.save()
        made.save_form(form)
        roster.write(folder / ROSTER, candidates)
        made.roster()
        with office(settings) as (desk, _):
            released = desk.build(made)
        undo.pop_all()
    click.echo(f"{name}: {len(form.items)} items, {form.maximum:g} points, {len(candidates)} candidates.")
    for path in released:
        click.echo(f"Release without solutions and hidden tests: {path}")


def _assembled(bank: Path, plan: Path, name: str, seed: int) -> Form:
    from exams import assembly  # SciPy's optimisers take a second to import

    try:
        return assembly.assemble(load_bank(bank), blueprint.load(plan), form="A", exam=name, seed=seed)
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
