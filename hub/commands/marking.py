"""`xinglin marking`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import click

from exams.autograde.cluster import Cluster
from hub.settings import Settings

Serve = Callable[[Cluster, Callable[[str], None]], Awaitable[None]]


@click.group()
def marking() -> None:
    """Mark code on several machines: each has the same [marking], one is the scheduler, the others are workers.

    Example: xinglin marking worker
    """


@marking.command("scheduler")
@click.pass_obj
def scheduler_command(settings: Settings) -> None:
    """Listen at the address of [marking] scheduler, which is this machine's, and give out work until Ctrl-C.

    Example: xinglin marking scheduler
    """
    _check(settings)
    from exams.autograde.worker import schedule  # brings Dask

    _run(schedule, settings)


@marking.command("worker")
@click.pass_obj
def worker_command(settings: Settings) -> None:
    """Mark code on this machine for [marking] scheduler until Ctrl-C.

    Ends with 1 where code cannot be run here, and where the scheduler is lost: let a service manager start it again.

    Example: xinglin marking worker
    """
    _check(settings)
    from exams.autograde.worker import work

    _run(work, settings)


def _check(settings: Settings) -> None:
    if not settings.marking.scheduler:
        raise click.ClickException("There is no scheduler: set [marking] scheduler in $XINGLIN_HOME/xinglin.toml.")


def _run(serve: Serve, settings: Settings) -> None:
    from exams.autograde.runner import UnavailableError

    async def served() -> None:
        await serve(settings.marking, lambda text: click.echo(text))

    try:
        asyncio.run(served())
    except UnavailableError as error:
        raise click.ClickException(str(error)) from error
