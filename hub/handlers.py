"""The portal's handlers: what a request needs is looked up here, what a page shows is decided in portal.py."""

from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jupyterhub.handlers import metrics
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.utils import metrics_authentication, url_path_join
from tornado import web

from courses.catalogue import read_catalogue
from hub.exam_cards import ExamCard, examinations, next_first
from hub.notebooks import NotebookCopyError, copy_notebook
from hub.people import Directory, Person, Role
from hub.plan import plan_from
from hub.portal import class_overview, lab_cards
from hub.sandbox import bwrap
from hub.settings import ROOT, Settings, load
from hub.state import engine
from hub.traces import Traces
from hub.usage import ask, publish
from hub.wiring import jupyterlab_offered
from widgets.i18n import COOKIE, LANGUAGES, language_of, translations

LANGUAGE_DAYS = 400
HOME = "/hub/home"


class Localised:
    """Mixed into every hub page: its texts in the language of the person's cookie."""

    @property
    def language(self) -> str:
        """The language of this request."""
        return language_of(self.get_cookie(COOKIE))  # type: ignore[attr-defined]

    @property
    def template_namespace(self) -> dict[str, Any]:
        """The hub's names for templates, with the language and its texts."""
        namespace: dict[str, Any] = super().template_namespace  # type: ignore[misc]
        catalogue = translations("hub", self.language)
        here = self.request.uri  # type: ignore[attr-defined]
        return namespace | {"language": self.language, "languages": LANGUAGES, "_": catalogue.gettext, "here": here}


def localised(handlers: list[Any]) -> list[Any]:
    """The same handlers, each localised."""
    return [(pattern, type(handler.__name__, (Localised, handler), {}), *rest) for pattern, handler, *rest in handlers]


def local(target: str) -> str:
    """`target` where it is an address of this host for certain, else the home page.

    Browsers leave out tabs and line breaks and take a backslash for a slash, so `/<tab>/host` would lead elsewhere.
    """
    return target if re.fullmatch(r"/(?!/)[^\\\s\x00-\x1f]*", target) else HOME


class LanguageHandler(BaseHandler):  # type: ignore[misc]
    """Remember the language and go back to the page."""

    def get(self, language: str) -> None:
        """Set the cookie that every service reads, and redirect to a page of this host."""
        self.set_cookie(COOKIE, language, expires_days=LANGUAGE_DAYS, path="/", samesite="Lax")
        self.redirect(local(self.get_argument("next", HOME)))


class PortalHandler(Localised, BaseHandler):  # type: ignore[misc]
    """The home page: what this person does next."""

    @web.authenticated
    async def get(self) -> None:
        """Render the page of the person's role."""
        settings = load()
        database = engine(settings.database_url)
        directory, traces, catalogue = Directory(database), Traces(database), read_catalogue()
        user = self.current_user
        person = directory.find(user.name)
        if person is None:
            raise web.HTTPError(403)
        done = traces.done([user.name])[user.name]
        namespace: dict[str, Any] = {
            "person": person,
            "courses": lab_cards(catalogue, done, self.language),
            "jupyterlab": jupyterlab_offered(settings),
            "collaboration": settings.exams.collaboration,
            "formgrader": bwrap() is not None,
            "exams": exams_for(person, settings),
        }
        if person.role == Role.TEACHER:
            students = directory.students(person.school)
            marks = traces.done(student.user for student in students)
            namespace["overview"] = class_overview(catalogue, students, marks, self.language)
        if person.role == Role.OPERATOR:
            namespace["counts"] = directory.counts()
            namespace["usage"] = await ask(plan_from(os.environ))
        self.finish(await self.render_template("home.html", **namespace))


def exams_for(person: Person, settings: Settings) -> list[ExamCard]:
    """The exams on a person's page: those they sit, those of a teacher's school, or all for who runs them."""
    found, zone = examinations(settings.home, settings.exams_database_url), ZoneInfo(settings.server.time_zone)
    if person.role == Role.STUDENT:
        return next_first(found.of_candidate(person.user, now(), zone))
    return next_first(found.watched(person.school if person.role == Role.TEACHER else None, now(), zone))


class NotebookHandler(Localised, BaseHandler):  # type: ignore[misc]
    """Open a lab as a notebook in the student's own folder."""

    @web.authenticated
    def get(self, lab_id: str) -> None:
        """Copy the built lab where it is not there yet, and go to JupyterLab."""
        settings = load()
        lab = read_catalogue().lab(lab_id)
        if lab is None or not jupyterlab_offered(settings):
            raise web.HTTPError(404)
        try:
            path = copy_notebook(settings.home / "courses", settings.home / "homes" / self.current_user.name, lab)
        except NotebookCopyError as error:
            problem = web.HTTPError(409)
            problem.jupyterhub_message = translations("hub", self.language).gettext(str(error))  # type: ignore[attr-defined]
            raise problem from error
        self.redirect(url_path_join("/hub/user-redirect/lab/tree", path))


class MetricsHandler(metrics.MetricsHandler):  # type: ignore[misc]
    """The hub's own figures for Prometheus, and what open labs use."""

    @metrics_authentication  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Ask the apps service first, so that its figures are of now."""
        publish(await ask(plan_from(os.environ)))
        await super().get()


class AssetHandler(web.StaticFileHandler):
    """The portal's own style and script."""


def now() -> dt.datetime:
    """The server's clock, the only one that counts."""
    return dt.datetime.now(dt.UTC)


ASSETS: Path = ROOT / "hub" / "static"
HANDLERS: list[Any] = [
    (r"/home", PortalHandler),
    (r"/language/(zh|en)", LanguageHandler),
    (r"/notebook/([a-z0-9_]+/[a-z0-9_]+)", NotebookHandler),
    (r"/metrics", MetricsHandler),
    (r"/assets/(.*)", AssetHandler, {"path": str(ASSETS)}),
]
