"""The exam service: waiting room, exam room, desk and API in one Tornado application behind one prefix."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import secrets
import signal
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tornado.httpserver
import uvloop
from tornado.web import Application

from courses.series import Series
from exams import api, desk, experiments, garbage, gate, invigilation, key_desk, pages, pictures, web
from exams.bankdesk.banks import Banks
from exams.bankdesk.routes import routes as bank_routes
from exams.errands import Errand
from exams.exam import Exam
from exams.hall import Hall
from exams.identity import LOGIN_PROBLEM, Identity, Sessions
from exams.marks import MarkStore
from exams.panel.routes import routes as panel_routes
from exams.panel.store import PanelStore
from exams.readings import Readings
from exams.release import CandidateResult
from exams.simulator import Simulate, without_simulations
from exams.sitting import SittingStore
from exams.static import Static, StaticFiles
from exams.tickets import RoomCodes

MOST_BODY_BYTES = 1 << 20
"""No request of ours is larger; a flood of large ones must not fill the memory."""

LOOK_S = 0.2
"""How soon the service sees that a file of an exam has changed."""

SERIES_KEPT = 64
"""Image series held open; their pixels are mapped from disk, so each costs little memory of its own."""

HERE = Path(__file__).parent


def unreleased(_exam: str, _number: str) -> None:
    """Results where nothing has been released."""


def without_images(case: str) -> Series:
    """Image series where no case library was given."""
    raise LookupError(f"No case library was given to the exam service, and an item shows the case {case}.")


@dataclass(frozen=True)
class Config:
    """What the service is made of.

    cookie_secret seals the sessions; it must outlive a restart. acts: what a group lead can do after the exam, by name
    (collect, mark, release); each also keeps it in the audit log.
    result: `(exam id, candidate number)` to what was released to that candidate, None before release. series: a case
    id to its image series. formgrader: the address of nbgrader's formgrader of an exam. simulate: runs a model that an
    item puts to the test. banks: what the desk of the item bank is over; without them there is none. panel: where the
    marks of the marking desk are; without it there is none.
    """

    hall: Hall
    store: SittingStore
    marks: MarkStore
    identity: Identity
    cookie_secret: str
    prefix: str = "/services/exams/"
    portal: str = "/hub/home"
    logout: str = "/hub/logout"
    acts: Mapping[str, Errand] = field(default_factory=dict)
    result: Callable[[str, str], CandidateResult | None] = unreleased
    series: Callable[[str], Series] = without_images
    formgrader: Callable[[Exam], str] = lambda exam: f"/services/{exam.course}/"
    simulate: Simulate = without_simulations
    banks: Banks | None = None
    panel: PanelStore | None = None


def secret(path: Path) -> str:
    """The secret in `path`, made on first use and readable by this user only; several may ask at once."""
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:  # made with mode 0600
        draft.write(secrets.token_hex(32))
        draft.flush()
        with contextlib.suppress(FileExistsError):  # whoever is first decides
            os.link(draft.name, path)
    return path.read_text()


def make_app(config: Config) -> Application:
    """The application; it keeps nothing that is not in `config.store`, so it can die at any moment."""
    prefix = config.prefix
    sessions = Sessions(prefix)
    static = Static.of(
        room=HERE / "room",
        bank=HERE / "bankdesk" / "scripts",
        panel=HERE / "panel" / "scripts",
        widgets=HERE.parent / "widgets" / "static",
    )
    context = web.Context(
        hall=config.hall,
        store=config.store,
        marks=config.marks,
        identity=config.identity,
        sessions=sessions,
        static=static,
        prefix=prefix,
        portal=config.portal,
        logout=config.logout,
        acts=config.acts,
        result=config.result,
        series=functools.lru_cache(maxsize=SERIES_KEPT)(config.series),
        formgrader=config.formgrader,
        simulate=config.simulate,
        readings=Readings(config.store.reading),
        room_codes=RoomCodes(config.cookie_secret),
    )
    exam, item = r"([a-z0-9][a-z0-9_-]*)", r"([A-Za-z0-9._-]+)"
    routes: list[tuple[str, type[web.Handler]]] = [
        ("", pages.MyExams),
        (gate.PATH, gate.Gate),
        ("logout", pages.Logout),
        (LOGIN_PROBLEM, pages.LoginProblem),
        (f"{exam}/", pages.Waiting),
        (f"{exam}/room", pages.Room),
        (f"{exam}/receipt", pages.Receipt),
        (f"{exam}/result", pages.Result),
        (f"{exam}/desk", desk.Desk),
        (f"api/{exam}/clock", api.Clock),
        (f"api/{exam}/enter", api.Enter),
        (f"api/{exam}/responses", api.Save),
        (f"api/{exam}/state", api.State),
        (f"api/{exam}/submit", api.Submit),
        (f"api/{exam}/left", api.Left),
        (f"api/{exam}/checkin", api.CheckIn),
        (f"api/{exam}/items/{item}/series", pictures.SeriesMeta),
        (rf"api/{exam}/items/{item}/frames/(\d{{1,5}})", pictures.Frame),
        (f"api/{exam}/items/{item}/signals", pictures.Signals),
        (f"api/{exam}/items/{item}/runs", experiments.Run),
        (f"api/{exam}/watch", desk.Watch),
        (f"api/{exam}/credit", desk.Credit),
        (f"api/{exam}/force", desk.Force),
        (f"api/{exam}/unseal", desk.Unseal),
        (f"api/{exam}/attend", invigilation.Attend),
        (f"api/{exam}/candidates/{item}/history", invigilation.History),
        (f"api/{exam}/acts/([a-z]+)", desk.Act),
        (f"api/{exam}/stop", desk.Stop),
        (f"{exam}/key", key_desk.KeyPage),
        (f"api/{exam}/key/preview", key_desk.Preview),
        (f"api/{exam}/key/sign", key_desk.Sign),
        (rf"api/{exam}/key/versions/(\d{{1,4}})", key_desk.Ruling),
    ]
    carried = {"context": context}
    return Application(
        [
            *config.identity.routes(prefix, sessions),
            (f"{prefix}health", web.Health),
            (rf"{prefix}static/{static.version}/(.+)", StaticFiles, {"static": static}),
            *(bank_routes(context, config.banks) if config.banks else ()),
            *(panel_routes(context, config.panel) if config.panel else ()),
            *((prefix + pattern, handler, carried) for pattern, handler in routes),
            (r".*", web.NotFound, carried),
        ],
        cookie_secret=config.cookie_secret,
        xsrf_cookies=True,
        xsrf_cookie_name="xinglin-exams-xsrf",
        xsrf_cookie_kwargs={"path": prefix, "httponly": True, "samesite": "Strict"},
    )


async def run(app: Application, listener: socket.socket, stopping: asyncio.Event) -> None:
    """Serve `app` on `listener` until `stopping` is set."""
    server = tornado.httpserver.HTTPServer(app, xheaders=True, max_body_size=MOST_BODY_BYTES)
    server.add_socket(listener)
    collecting = asyncio.create_task(garbage.by_turns())
    await stopping.wait()
    collecting.cancel()
    server.stop()
    await server.close_all_connections()


async def _until_signalled(app: Application, listener: socket.socket) -> None:
    """Serve `app` on `listener` until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await run(app, listener, stopping)


def serve(config: Config, listener: socket.socket) -> None:
    """Serve until told to stop; what was asked for by then is written."""
    garbage.keep_what_is_there()
    try:
        uvloop.run(_until_signalled(make_app(config), listener))
    finally:
        close(config)


def close(config: Config) -> None:
    """Close the stores, when what was asked of them is written."""
    config.marks.close()
    config.store.close()
    if config.panel is not None:
        config.panel.close()
