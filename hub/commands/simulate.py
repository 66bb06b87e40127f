"""`xinglin simulate`."""

from __future__ import annotations

import asyncio

import click


@click.command()
def simulate() -> None:
    """Run simulations for the exam service, which starts this itself: JSON requests in, JSON replies out, one a line.

    Example: echo '{"id": 1, "model": "nerve", "values": {"strength": 30}}' | xinglin simulate
    """
    from hub.simulations import main  # jupyter_client takes a moment to import

    asyncio.run(main())
