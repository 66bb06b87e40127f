"""`xinglin answers`."""

from __future__ import annotations

import asyncio
import os

import click

CORES = len(os.sched_getaffinity(0))


@click.command()
@click.option("--jobs", default=CORES, show_default="number of cores", type=click.IntRange(1, 64), help="At once.")
def answers(jobs: int) -> None:
    """Run students' code answers in a sandbox, for marking: JSON jobs in, JSON replies out, one a line.

    Example: xinglin answers --jobs 2 < jobs.jsonl > replies.jsonl
    """
    from hub.answers import main  # the command's help needs none of it

    asyncio.run(main(jobs))
