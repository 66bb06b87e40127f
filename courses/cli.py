"""`xinglin case`: open images into the case library and list what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import click

from courses.cases import CaseStore
from courses.ingest import ingest
from courses.messages import Refusal


class Settings(Protocol):
    """What the commands need of the platform's settings."""

    @property
    def home(self) -> Path:
        """$XINGLIN_HOME, where state lives."""


@click.group("case")
def case() -> None:
    """Open images (DICOM) as cases; list the library.

    Example: xinglin case list
    """


@case.command("open")
@click.argument("source")
@click.option("--title", default="", help="What the case is called in labs; never a patient's name.")
@click.pass_obj
def open_case(settings: Settings, source: str, title: str) -> None:
    """Open SOURCE as a case: a DICOM file, a folder, a zip or a DICOMweb address.

    Nothing about a patient is kept. Example: xinglin case open scans/head.zip --title "头颅 CT"
    """
    try:
        made = ingest(source, CaseStore(settings.home / "cases"), title=title)
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{made.id}  {made.title}  ({made.frames} x {made.rows} x {made.columns})")
    for notice in made.notices:
        click.echo(f"  {notice.say('en')}")


@case.command("list")
@click.pass_obj
def list_cases(settings: Settings) -> None:
    """List the cases of the library.

    Example: xinglin case list
    """
    for series in CaseStore(settings.home / "cases").list():
        size = f"{series.frames} x {series.rows} x {series.columns}"
        click.echo(f"{series.id:24} {series.modality:4} {size:18} {series.title}")
