"""`xinglin exam import` and `xinglin exam export`."""

from __future__ import annotations

import json
import os
import re
from contextlib import ExitStack
from pathlib import Path

import click

from exams.documents import DocumentError
from exams.interchange import formats, report
from exams.interchange.bankfile import BankFile, Defaults
from exams.interchange.safe import MOST_BYTES
from exams.items import LEVELS, load_bank

kind = click.option("--format", "kind", required=True, type=click.Choice(formats.FORMATS), help="Of FILE.")
listing = click.option(
    "--report", "listed", type=click.Path(path_type=Path), help="Write the report there too, as JSON."
)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@kind
@click.option("--bank", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the bank.")
@click.option("--subject", help="Where FILE says none; otherwise the name of the bank's folder.")
@click.option("--topic", default="imported", show_default=True, help="Where FILE says none: a row of the blueprint.")
@click.option("--level", default="apply", show_default=True, type=click.Choice(LEVELS), help="Where FILE says none.")
@click.option("--difficulty", default=0.7, show_default=True, type=float, help="Where FILE says none, from 0 to 1.")
@click.option("--source", help="Where FILE says none; otherwise the name of FILE.")
@listing
def import_command(
    file: Path,
    kind: str,
    bank: Path,
    subject: str | None,
    topic: str,
    level: str,
    difficulty: float,
    source: str | None,
    listed: Path | None,
) -> None:
    """Import the questions of FILE into a new file of the bank, and list what was left out or filled in.

    Example: xinglin exam import questions.xml --format moodle --bank exams/bank/diagnostics --topic symptoms
    """
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", file.stem).strip("-_") or "imported"
    target = bank / f"{stem}.yaml"
    if not 0 < difficulty < 1:
        raise click.ClickException("The difficulty is the share expected to get it right, between 0 and 1.")
    if target.exists():
        raise click.ClickException(f"{target} exists already: rename {file.name} and import it again.")
    defaults = Defaults(subject or bank.resolve().name, topic, source or f"导入自 {file.name}", level, difficulty)
    try:
        made, losses = formats.imported(_read(file), kind, stem, defaults)
        _refuse_known(made, bank)
    except DocumentError as error:
        where = error.where or str(file)
        raise DocumentError(f"{error.sentence} Nothing was imported.", error.path, where) from error
    _tell(losses, listed)
    if not made.items:
        raise click.ClickException(f"{file}: No question can be imported; the report says why.")
    _write_bank_file(made, target)
    click.echo(f"{len(made.items)} items imported into {target}.")


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@kind
@click.option(
    "--bank", required=True, type=click.Path(path_type=Path, exists=True, file_okay=False), help="Its folder."
)
@listing
def export_command(file: Path, kind: str, bank: Path, listed: Path | None) -> None:
    """Export the items of a bank to FILE, keys and all, and list what the format cannot carry.

    Example: xinglin exam export questions.gift --format gift --bank exams/bank/diagnostics
    """
    if file.exists():
        raise click.ClickException(f"{file} exists already: choose another name.")
    items = load_bank(bank)
    data, losses = formats.exported(items, kind)
    left_out = {loss.item for loss in losses if loss.what == report.WHOLE}
    _tell(losses, listed)
    if len(left_out) == len(items):
        raise click.ClickException(f"No item of {bank} can be written as {kind}; the report says why.")
    _write_new(file, data)
    click.echo(f"{len(items) - len(left_out)} of {len(items)} items exported to {file}; it holds their keys.")


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MOST_BYTES + 1)


def _refuse_known(made: BankFile, bank: Path) -> None:
    """Raise DocumentError where an id of the new file stands in the bank."""
    if not any(bank.glob("*.yaml")):
        return
    old, new = (
        {item.id for item in items} | {item.group.id for item in items if item.group}
        for items in (load_bank(bank), made.items)
    )
    if known := sorted(old & new):
        more = f" and {len(known) - 1} more" if len(known) > 1 else ""
        raise DocumentError(f"The bank has the id {known[0]!r}{more} already: give those questions new ids.")


def _tell(losses: list[report.Loss], listed: Path | None) -> None:
    for line in report.lines(losses):
        click.echo(line)
    if listed:
        plain = [loss.plain() for loss in losses]
        listed.write_text(json.dumps(plain, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _write_bank_file(made: BankFile, target: Path) -> None:
    """The bank with the new file must load, or the file is taken away again."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _write_new(target, made.text().encode())
    with ExitStack() as undo:
        undo.callback(target.unlink)
        load_bank(target.parent)
        undo.pop_all()


def _write_new(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, readable by its owner only, since it holds keys; never over another file."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written ({error.strerror}).") from error
    finally:
        draft.unlink(missing_ok=True)
