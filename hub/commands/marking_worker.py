"""`xinglin marking-worker`."""

from __future__ import annotations

import asyncio

import click

from hub.settings import Settings


@click.command("marking-worker")
@click.pass_obj
def marking_worker(settings: Settings) -> None:
    """Mark code on this machine for the scheduler in [marking], until Ctrl-C.

    Ends with 1 where bubblewrap does not work here, and where the scheduler is lost: let a service manager restart it.

    Example: xinglin marking-worker
    """
    if not settings.marking.scheduler:
        raise click.ClickException("There is no scheduler to work for: set [marking] scheduler.")
    from exams.autograde.runner import UnavailableError
    from exams.autograde.worker import work  # brings Dask

    try:
        asyncio.run(work(settings.marking, lambda address: click.echo(f"Marking at {address}.")))
    except UnavailableError as error:
        raise click.ClickException(str(error)) from error
