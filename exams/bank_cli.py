"""`xinglin exam item`: from draft to live, by two people; what became of an item."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from exams import ledger, measures
from exams.items import Item, load_bank
from exams.ledger import Act

ACTS = {
    "write": (Act.WRITE, "Put your name to the items as they are now: they are drafts of yours."),
    "review": (Act.REVIEW, "You have checked these drafts of another teacher's."),
    "publish": (Act.PUBLISH, "These reviewed items go live: forms may take them."),
    "retire": (Act.RETIRE, "No form takes these items any more."),
}


@click.group("item")
def item_group() -> None:
    """Items of a bank: from draft to live, by two people.

    Example: xinglin exam item states --bank my-bank
    """


bank = click.option("--bank", required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))


@item_group.command("states")
@bank
def states_command(bank: Path) -> None:
    """Count the items of the bank by state, and list those that await something.

    Example: xinglin exam item states --bank my-bank
    """
    items, entries = load_bank(bank), ledger.read(bank)
    if entries is None:
        click.echo(f"{len(items)} items. This bank has no ledger: all of them may be used.")
        return
    found = {item.id: ledger.state(entries, item) for item in items}
    counted = Counter(found.values())
    click.echo("  ".join(f"{state} {counted[state]}" for state in ledger.State))
    for name, state in found.items():
        if state in {ledger.State.DRAFT, ledger.State.REVIEWED}:
            click.echo(f"{name}: {state}")


@item_group.command("history")
@bank
@click.argument("item")
def history_command(bank: Path, item: str) -> None:
    """What became of ITEM: who did what to which version, and what exams told of it.

    Example: xinglin exam item history --bank my-bank dx-ecg-001
    """
    (found,) = _chosen(load_bank(bank), (item,))
    now = ledger.version_of(found)
    for entry in ledger.read(bank) or []:
        if entry.item == item:
            told = "  ".join(f"{name} {value}" for name, value in entry.detail.items())
            mark = " (as it is now)" if entry.version == now else ""
            click.echo(f"{entry.at}  {entry.by}  {entry.act}  {entry.version}{mark}  {told}".rstrip())


@item_group.command("measure")
@bank
@click.option("--by", required=True, help="User name of who does it; kept in the ledger.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def measure_command(bank: Path, by: str, file: Path) -> None:
    """Write into the ledger what exams told of items: FILE is CSV or JSON with item, exam, candidates, difficulty and
    discrimination.

    Example: xinglin exam item measure --bank my-bank --by lead01 dx-2027.csv
    """
    found, items, now = measures.read(file), load_bank(bank), datetime.now(UTC)
    chosen = _chosen(items, tuple(one.item for one in found))
    told = zip(chosen, found, strict=True)
    ledger.append(
        bank, [ledger.entry(item, Act.MEASURE, by, now, exam=one.exam, **asdict(one.measured)) for item, one in told]
    )
    click.echo(f"measure: {len(found)} items.")


def _add(name: str, act: Act, help_text: str) -> None:
    @item_group.command(
        name, help=f"{help_text}\n\nExample: xinglin exam item {name} --bank my-bank --by teacher01 --all"
    )
    @bank
    @click.option("--by", required=True, help="User name of who does it; kept in the ledger.")
    @click.option("--note", default="", help="Why; kept in the ledger.")
    @click.option("--all", "every", is_flag=True, help="Every item for which this is the next step.")
    @click.argument("names", metavar="ITEM...", nargs=-1)
    def command(bank: Path, by: str, note: str, every: bool, names: tuple[str, ...]) -> None:
        items, entries = load_bank(bank), ledger.read(bank) or []
        if bool(names) == every:
            raise click.UsageError("Name the items, or say --all.")
        done = []
        for item in items if every else _chosen(items, names):
            try:
                ledger.allow(entries, item, act, by)
            except ledger.NotAllowedError as error:
                if every:
                    continue
                raise click.ClickException(f"{error} Nothing was changed.") from error
            if not (every and act is Act.WRITE and ledger.authors(entries, item)):
                done.append(ledger.entry(item, act, by, datetime.now(UTC), **({"note": note} if note else {})))
        ledger.append(bank, done)
        click.echo(f"{name}: {len(done)} items.")


for _name, (_act, _help) in ACTS.items():
    _add(_name, _act, _help)


def _chosen(items: tuple[Item, ...], names: tuple[str, ...]) -> list[Item]:
    """The items of these names."""
    known = {item.id: item for item in items}
    for name in names:
        if name not in known:
            raise click.ClickException(f"The bank has no item {name!r}. Nothing was changed.")
    return [known[name] for name in names]
