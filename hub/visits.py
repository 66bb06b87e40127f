"""Visits: an open lab is one kernel that belongs to the user who opened it; nobody else may talk to it.

A visit's kernel gets a token of its own, with which it reports task results; who and which lab is known here, so that
neither the browser nor the kernel can say otherwise.
"""

from __future__ import annotations

import contextvars
import datetime as dt
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import zmq.asyncio
from jupyter_server.auth import Authorizer
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Dict as DictTrait
from traitlets import Integer, Unicode, default

from courses.tasks import REPORT_TOKEN, REPORT_URL
from hub.people import Role

SECRET_PREFIXES = ("JUPYTERHUB_", "XINGLIN_", "CONFIGPROXY_")


@dataclass(frozen=True)
class Visit:
    """Who opened which lab."""

    user: str
    role: Role
    lab: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


opening: contextvars.ContextVar[Visit] = contextvars.ContextVar("opening")
"""The visit on whose behalf the present task starts a kernel."""


def kernel_environment(
    environment: Mapping[str, str], role: Role, lab: str, extra: Mapping[str, str]
) -> dict[str, str]:
    """What every kernel of a lab for a role may know: nothing of the service's own secrets."""
    kept = {name: value for name, value in environment.items() if not name.startswith(SECRET_PREFIXES)}
    return {**kept, **extra, "XINGLIN_ROLE": role, "XINGLIN_LAB": lab}


class VisitKernelManager(AsyncMappingKernelManager):
    """Kernels by visit; those whose page is closed go after `closed_s`, others after `idle_s` without a word."""

    closed_s = Integer(60, help="Seconds until a kernel whose page is closed goes.").tag(config=True)
    idle_s = Integer(600, help="Seconds until a kernel that heard nothing goes.").tag(config=True)
    report_url = Unicode(help="Where kernels report task results.").tag(config=True)
    kernel_extra = DictTrait(help="More variables for every kernel.").tag(config=True)

    visits = DictTrait(help="The Visit of each kernel by its id.")

    @default("context")
    def _room_for_sockets(self) -> zmq.asyncio.Context:
        """An open lab has six sockets here; ZeroMQ's own default ends at 170 labs."""
        context = zmq.asyncio.Context()
        context.max_sockets = context.get(zmq.SOCKET_LIMIT)
        self._created_context = True
        return context

    async def start_kernel(self, **options: Any) -> str:  # type: ignore[override]
        """Start a kernel for the visit of the present task; returns its id."""
        visit = opening.get()
        environment = options.pop("env", None) or os.environ
        options["env"] = {
            **kernel_environment(environment, visit.role, visit.lab, self.kernel_extra),
            REPORT_URL: self.report_url,
            REPORT_TOKEN: visit.token,
        }
        kernel_id: str = await super().start_kernel(**options)
        self.visits[kernel_id] = visit
        return kernel_id

    def environment_for(self, role: Role, lab: str) -> dict[str, str]:
        """What kernels of `lab` for visitors of `role` have in common."""
        return kernel_environment(os.environ, role, lab, self.kernel_extra)

    def pids(self) -> list[int]:
        """The processes of all kernels that have started."""
        provisioners = [manager.provisioner for manager in self._kernels.values()]
        return [provisioner.pid for provisioner in provisioners if getattr(provisioner, "pid", None) is not None]

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget a kernel that has ended, and with it its token."""
        self.visits.pop(kernel_id, None)
        return super().remove_kernel(kernel_id)

    def visit_by_token(self, token: str) -> Visit | None:
        """The visit whose kernel holds `token`."""
        found = None
        for visit in self.visits.values():
            if secrets.compare_digest(visit.token.encode(), token.encode()):  # text beyond ASCII it would not compare
                found = visit
        return found

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel nobody looks at; stock jupyter_server knows one time for both cases."""
        kernel = self._kernels[kernel_id]
        if (last_activity := getattr(kernel, "last_activity", None)) is None:
            return
        quiet = (dt.datetime.now(dt.UTC) - last_activity).total_seconds()
        watched = self._kernel_connections.get(kernel_id, 0) > 0
        if quiet > (self.idle_s if watched else self.closed_s):
            self.log.info("The kernel %s was quiet for %d s and goes.", kernel_id, quiet)
            await self.shutdown_kernel(kernel_id)  # type: ignore[no-untyped-call]


class VisitAuthorizer(Authorizer):
    """A kernel answers the user whose visit it is, and nobody else, whatever their role."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:  # noqa: ARG002 - the interface
        """Whether `user` may do something with the kernel that `handler`'s path names."""
        if resource != "kernels":
            return False
        kernel_id = handler.path_kwargs.get("kernel_id") or (handler.path_args or [""])[0]
        visit = handler.kernel_manager.visits.get(kernel_id)
        return visit is not None and visit.user == user.username
