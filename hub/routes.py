"""The proxy's routes to our services, set by the platform itself whenever the proxy starts.

The proxy keeps its routes in memory. The hub would restore them, but not while it is down itself, and the exam room
must not wait for it.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request

from hub.plan import Plan

TRY_S = 0.1
TRIES = 300


def set_route(plan: Plan, service: str, listener: str) -> None:
    """Route /services/<service>/ to `listener`, in the words the hub uses, so that it takes the route for its own."""
    body = {"target": plan.url(listener), "jupyterhub": True, "service": service}
    request = urllib.request.Request(  # noqa: S310 - the proxy's own loopback address
        f"{plan.url('proxy-api')}/api/routes/services/{service}",
        json.dumps(body).encode(),
        {"Authorization": f"token {plan.tokens['proxy']}"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=2):  # noqa: S310
        pass


async def restore(plan: Plan, services: dict[str, str]) -> None:
    """Set the routes {service: listener} as soon as the proxy answers. Raises OSError where it never does."""
    for service, listener in services.items():
        for attempt in range(TRIES):
            try:
                await asyncio.to_thread(set_route, plan, service, listener)
                break
            except OSError:
                if attempt == TRIES - 1:
                    raise
                await asyncio.sleep(TRY_S)
