"""The apps service: Voila as one hub service for everybody, serving built labs and nothing else.

Of Voila's own pages only those a lab needs are kept: no file tree, no contents, no files. Rendering, kernels and
widgets are Voila's; who may open what and what a kernel learns is decided here and in visits.py.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyterhub.singleuser.extension import JupyterHubIdentityProvider
from jupyterhub.utils import url_path_join
from tornado import web
from tornado.escape import url_escape
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.utils import get_page_config

from courses.build import KERNEL
from courses.catalogue import Lab, read_catalogue
from hub.door import Door, new_ticket
from hub.kernels.link import PARENTS
from hub.notices import Noticing
from hub.people import Directory, Role
from hub.ready_labs import KERNEL_PLACE, RanRenderer, ReadyLabs
from hub.settings import ROOT, Settings
from hub.state import engine
from hub.traces import ANSWERED, OPENED, Statement, Traces
from hub.usage import PATH, Usage, memory_of
from hub.visits import Visit, VisitAuthorizer, VisitKernelManager, opening

log = logging.getLogger("xinglin")
PREFIX = "/services/apps/"
LINE = f"{PREFIX}line"
TEMPLATES = ROOT / "hub" / "jupyter"
EXTENSIONS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget"]
"""The JupyterLab extensions a lab needs; each one more is a script every page loads."""
REPORT_BYTES = 8192
PROTOCOL = "v1.kernel.websocket.jupyter.org"
CULL_INTERVAL_S = 10
WAIT_S = 3.0
"""Whoever knocks waits so long for a turn before the page says how many come first."""
NEWS_S = 4.0
"""A page that waits in line is answered after so long, even where its place is the same: well within PATIENCE_S."""
AGAIN_S = 2
"""A page without scripts, or a program, tries again after so long."""


def role_of(groups: list[str]) -> Role:
    """The most a person may do, from their hub groups; a person in none of ours is a student."""
    return next((role for role in reversed(Role) if role in groups), Role.STUDENT)


class LabHandler(Noticing, TornadoVoilaHandler):  # type: ignore[misc]
    """A lab's page: a kernel of its own for whoever opens it."""

    @web.authenticated
    async def get(self, path: str | None = None) -> None:
        """The lab at `path`; 404 where the catalogue has none, 503 where the house is full or others come first."""
        lab = self.settings["catalogue"].lab((path or "").removesuffix(".ipynb"))
        if lab is None:
            raise web.HTTPError(404)
        door, shown = self.settings["door"], self.get_query_argument("ticket", "")
        ticket = shown or new_ticket()
        if place := await door.enter(ticket, 0 if shown or door.full else WAIT_S):
            self._stand_in_line(lab, ticket, place)
            return
        try:
            await self._open(lab, path or "")
        finally:
            door.leave(ticket)

    async def _open(self, lab: Lab, path: str) -> None:
        """The lab for its visitor: a fork of the lab made ready, or else run from its first cell."""
        user = self.current_user
        visit = Visit(user.username, role_of(user.hub_user["groups"]), lab.id)
        opening.set(visit)
        self.settings["traces"].add(Statement(visit.user, OPENED, lab.id), dt.datetime.now(dt.UTC))
        manager: VisitKernelManager = self.kernel_manager
        environment = manager.environment_for(visit.role, lab.id)
        ready = await self.settings["ready_labs"].get(lab, visit.role, environment, self._render)
        if ready is None:
            await super().get(path)
            return
        kernel_id = await manager.start_kernel(kernel_name=KERNEL, path=lab.course, notebook=ready.link)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(ready.page_for(kernel_id))

    def _stand_in_line(self, lab: Lab, ticket: str, place: int) -> None:
        """The page that says how many come first, and becomes the lab."""
        self.set_status(503)
        self.set_header("Retry-After", str(AGAIN_S))
        self.set_header("Cache-Control", "no-store")
        here = f"{self.request.path}?ticket={url_escape(ticket)}"
        names = {"lab": lab, "ticket": ticket, "place": place, "full": self.settings["door"].full}
        names |= {"ask": LINE, "seconds": AGAIN_S, "xsrf": self.xsrf_token.decode()}
        self.finish(self.notice("line.html", here, **names))

    async def _render(self, notebook: Any) -> str:
        """The page of a notebook that was run."""
        options = {"base_url": self.base_url, "voila_configuration": self.voila_configuration}
        renderer = RanRenderer(
            request_handler=self,
            traitlet_config=self.traitlet_config,
            notebook_path=self.path_args[0],
            template_paths=self.template_paths,
            config_manager=self.config_manager,
            contents_manager=self.contents_manager,
            kernel_spec_manager=self.kernel_spec_manager,
            page_config=get_page_config(settings=self.settings, log=self.log, **options),
            mathjax_config=self.settings.get("mathjax_config"),
            mathjax_url=self.settings.get("mathjax_url"),
            **options,
        )
        await renderer.initialize()
        renderer.notebook = notebook
        page: str = await renderer.generate_content_str(KERNEL_PLACE, None)
        return page


class LineHandler(APIHandler):
    """Where a page stands in line; asking keeps its place."""

    @web.authenticated
    async def get(self) -> None:
        """The place as JSON, 0 when the lab may be opened, as soon as it is another than the `known` one."""
        door: Door = self.settings["door"]
        known = self.get_query_argument("known", "")
        place = await door.wait(
            self.get_query_argument("ticket"), NEWS_S, int(known) if known.isascii() and known.isdigit() else None
        )
        self.set_header("Cache-Control", "no-store")
        self.finish({"place": place, "full": door.full})


class NothingHandler(Noticing, JupyterHandler):
    """Any other address: a page that leads back, for everybody."""

    @allow_unauthenticated
    def get(self) -> None:
        """404."""
        raise web.HTTPError(404)

    head = get


class LabSocketHandler(VoilaKernelWebsocketHandler):  # type: ignore[misc]
    """A page's way to its kernel, in the one protocol that Voila can read.

    In the older one it takes what a kernel sends for lengths, counts to them without end, and the service stands still.
    """

    async def get(self, kernel_id: str) -> None:
        """Open the socket; 400 for a client that does not offer the protocol."""
        if PROTOCOL not in self.request.headers.get("Sec-WebSocket-Protocol", ""):
            raise web.HTTPError(400, reason=f"Only {PROTOCOL} is spoken here")
        await super().get(kernel_id)


class CloseHandler(APIHandler):
    """The page is closing: its kernel goes, on its owner's word only."""

    auth_resource = "kernels"

    @web.authenticated
    @authorized(action="write", resource="kernels")  # type: ignore[untyped-decorator]
    async def post(self, kernel_id: str) -> None:
        """End the kernel."""
        await self.kernel_manager.shutdown_kernel(kernel_id)
        self.set_status(204)


class ReportHandler(web.RequestHandler):
    """Task results from kernels: the kernel's token says who works in which lab, the body only which task and how."""

    def check_xsrf_cookie(self) -> None:
        """A token in a header cannot be sent by another site's page."""

    def post(self) -> None:
        """Append a statement; 403 without a kernel's token, 400 where the report makes no sense."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        visit = self.settings["kernel_manager"].visit_by_token(token) if scheme == "token" else None
        if visit is None:
            raise web.HTTPError(403)
        try:
            if len(self.request.body) > REPORT_BYTES:
                raise ValueError("too long")
            report = json.loads(self.request.body)
            task, success, response = report["task"], report["success"], report["response"]
            lab = self.settings["catalogue"].lab(visit.lab)
            if not isinstance(success, bool) or lab.task(task) is None:
                raise ValueError("unknown task")
            statement = Statement(visit.user, ANSWERED, f"{visit.lab}#{task}", success, response)
            self.settings["traces"].add(statement, dt.datetime.now(dt.UTC))
        except (ValueError, KeyError, TypeError) as error:
            raise web.HTTPError(400, reason="The report cannot be used") from error
        self.set_status(204)


class UsageHandler(web.RequestHandler):
    """What open labs use, for the hub alone, which shows the service's own token."""

    async def get(self) -> None:
        """The Usage as JSON; 403 for anybody else."""
        shown = self.request.headers.get("Authorization", "")
        if not secrets.compare_digest(shown.encode(), f"token {os.environ['JUPYTERHUB_API_TOKEN']}".encode()):
            raise web.HTTPError(403)
        manager: VisitKernelManager = self.settings["kernel_manager"]
        parents = [link.pid for link in [*PARENTS.links(), *self.settings["ready_labs"].links()]]
        pids = [*manager.pids(), *(pid for pid in parents if pid is not None)]
        memory = await asyncio.to_thread(memory_of, pids)
        usage = Usage(len(manager), self.settings["max_kernels"], len(self.settings["door"]), memory)
        self.set_header("Content-Type", "application/json")
        self.finish(usage.dumps())


class HealthHandler(web.RequestHandler):
    """Answers when the service is up."""

    def get(self) -> None:
        """How many labs are open."""
        self.write({"kernels": len(self.settings["kernel_manager"])})


class AppsService(Voila):  # type: ignore[misc]
    """Voila with our handlers in place of its tree, contents and files."""

    platform: Settings

    def init_settings(self) -> dict[str, Any]:
        """Voila's settings and what our handlers need."""
        settings, most = super().init_settings(), self.platform.apps.max_kernels
        database = engine(self.platform.database_url)
        return {
            **settings,
            "catalogue": read_catalogue(),
            "directory": Directory(database),
            "traces": Traces(database),
            "max_kernels": most,
            "door": Door(self.platform.apps.starts, room=lambda: most - len(settings["kernel_manager"])),
            "ready_labs": ReadyLabs(
                self.platform.home / "courses", self.platform.home / "cases", preload(self.kernel_spec_manager)
            ),
        }

    def init_handlers(self) -> list[Any]:
        """What a lab's page needs of Voila's handlers, then ours."""
        unwanted = ("/voila/tree", "/voila/files/", "/voila/api/contents", "/voila/render/", "/voila/api/shutdown/")
        kept = [rule for rule in super().init_handlers() if rule[0].startswith(PREFIX)]
        kept = [rule for rule in kept if rule[0] != PREFIX and not any(part in rule[0] for part in unwanted)]
        kept = [(rule[0], SOCKETS.get(rule[1], rule[1]), *rule[2:]) for rule in kept]
        # Voila takes the identity provider's pages as they come, without the prefix
        login = [(url_path_join(PREFIX, path), *rest) for path, *rest in self.identity_provider.get_handlers()]
        lab_options = {
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        return [
            *kept,
            *login,
            (f"{PREFIX}voila/render/(.*)", LabHandler, lab_options),
            (f"{PREFIX}voila/api/shutdown/(?P<kernel_id>[^/]+)", CloseHandler),
            (f"{PREFIX}report", ReportHandler),
            (LINE, LineHandler),
            (f"{PREFIX}health", HealthHandler),
            (PATH, UsageHandler),
            (PREFIX, web.RedirectHandler, {"url": "/hub/home", "permanent": False}),
            (".*", NothingHandler),
        ]


SOCKETS: dict[Any, Any] = {VoilaKernelWebsocketHandler: LabSocketHandler}


def serve(settings: Settings, url: str) -> None:
    """Run the service at the loopback address `url` until it is told to stop."""
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(TEMPLATES), os.environ.get("JUPYTER_PATH")]))
    root = settings.home / "courses"
    app = AppsService.instance()
    app.platform = settings
    app.open_browser = False
    app.auto_token = True  # only so that Voila hands the identity provider no empty token of its own
    app.port, app.port_retries = urlsplit(url).port, 0
    app.base_url = PREFIX
    app.root_dir = str(root)
    app.identity_provider_class = JupyterHubIdentityProvider
    app.authorizer_class = VisitAuthorizer
    configuration = app.config.VoilaConfiguration
    configuration.template = "xinglin"
    configuration.multi_kernel_manager_class = VisitKernelManager
    configuration.extra_labextensions_path = [str(ROOT / "widgets" / "static" / "labextensions")]
    configuration.file_allowlist = []
    configuration.extension_allowlist = EXTENSIONS
    configuration.show_tracebacks = False
    provisioner = app.config.ForkProvisioner
    provisioner.history = False
    if isolation_works():
        provisioner.hidden = [str(settings.home)]
        provisioner.shown = [str(settings.home / "courses"), str(settings.home / "cases")]
    for name, limit in vars(settings.kernels).items():
        setattr(provisioner, name, limit)
    manager = app.config.VisitKernelManager
    manager.cull_interval, manager.cull_idle_timeout = CULL_INTERVAL_S, settings.apps.closed_s
    manager.closed_s, manager.idle_s = settings.apps.closed_s, settings.apps.idle_s
    manager.report_url = f"{url}{PREFIX}report"
    manager.kernel_extra = kernel_variables(settings)
    app.initialize([])
    app.start()


def isolation_works() -> bool:
    """Whether kernels can be kept from each other and from the platform's state; said in the log where not."""
    tried = subprocess.run([sys.executable, "-m", "hub.kernels.isolation"], capture_output=True, text=True)
    if tried.returncode:
        log.warning("Kernels are not isolated: this system does not allow it (%s).", tried.stderr.strip())
    return tried.returncode == 0


def preload(specs: KernelSpecManager) -> list[str]:
    """What the kernelspec of labs says its kernels find imported."""
    modules: list[str] = specs.get_kernel_spec(KERNEL).metadata["kernel_provisioner"]["config"]["preload"]
    return modules


def kernel_variables(settings: Settings) -> dict[str, str]:
    """Where a lab's kernel finds image series, and where it may let a teacher open more."""
    return {
        "XINGLIN_CASES": str(settings.home / "cases"),
        "XINGLIN_IMPORTS": str(Path(settings.cases.imports).expanduser()) if settings.cases.imports else "",
        "XINGLIN_DICOMWEB": " ".join(settings.cases.dicomweb),
    }
