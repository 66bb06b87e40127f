"""What all pages and the API have in common: who is asking, in which language; headers, and errors as sentences."""

from __future__ import annotations

import functools
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from tornado.web import HTTPError, RequestHandler

from courses.series import Series
from exams import seb
from exams.change import Origin
from exams.errands import Errand
from exams.exam import Exam
from exams.hall import Hall
from exams.identity import Identity, Person, Sessions
from exams.marks import MarkStore
from exams.readings import Readings
from exams.release import CandidateResult
from exams.response import Json
from exams.roster import Candidate, school_group
from exams.simulator import Simulate
from exams.sitting import SittingStore
from exams.static import Static
from exams.tickets import RoomCodes
from widgets import i18n

DEVICE, DEVICE_DAYS = "xinglin-exams-device", 30
"""The cookie that names a browser. It is no secret that lets anybody in: a session is needed besides."""
MOST_AGENT = 200

SCHOOL_WATCHERS = frozenset({"teacher", "lead"})
"""The groups who watch over candidates of their own school; the exam's lead and operators watch over all."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",  # canvases and SVG that widgets draw
        "style-src 'self' 'unsafe-inline'",  # widgets set styles on the SVG they draw
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark `text` for the catalogue; it is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Context:
    """What the handlers work with."""

    hall: Hall
    store: SittingStore
    marks: MarkStore
    identity: Identity
    sessions: Sessions
    static: Static
    prefix: str
    portal: str
    logout: str
    acts: Mapping[str, Errand]
    result: Callable[[str, str], CandidateResult | None]
    series: Callable[[str], Series]
    formgrader: Callable[[Exam], str]
    simulate: Simulate
    readings: Readings
    room_codes: RoomCodes
    experimenting: set[tuple[str, str]] = field(default_factory=set)
    """Exam and candidate number of those whose simulation is being run: one at a time each."""
    warmed: set[tuple[str, str]] = field(default_factory=set)
    """The exams and forms whose simulations have been run once."""

    @property
    def static_prefix(self) -> str:
        """The address of the scripts and styles as they are now."""
        return f"{self.prefix}static/{self.static.version}/"


class ProblemError(Exception):
    """What is wrong and what to do: an HTTP status, a code for scripts, and a sentence (an English msgid)."""

    def __init__(self, status: int, code: str, sentence: str, **values: object) -> None:
        super().__init__(code)
        self.status, self.code, self.sentence, self.values = status, code, sentence, values


def not_yours() -> ProblemError:
    """The same for an exam that does not exist and for one that is none of the asker's business."""
    return ProblemError(404, "not_found", N_("There is no such exam for you. Go back to the list of your exams."))


SENTENCES = {
    403: N_("This page was open for too long or came from elsewhere. Load it again."),
    404: N_("There is nothing at this address. Go back to the list of your exams."),
    405: N_("There is nothing at this address. Go back to the list of your exams."),
}
FAULT = N_(
    "The exam service has a fault. Your saved answers are safe; try again, and if it stays, tell the invigilator."
)


@functools.cache
def environment(language: str) -> jinja2.Environment:
    """The templates in one language."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.install_gettext_translations(i18n.translations("exams", language), newstyle=True)  # type: ignore[attr-defined]
    return templates


class Handler(RequestHandler):
    """Someone asks in a language; errors become one sentence in it."""

    context: Context

    def initialize(self, context: Context) -> None:
        """Called by Tornado with what the route carries."""
        self.context = context

    def set_default_headers(self) -> None:
        """Nothing that is made for one person is kept by any cache, framed, or run from elsewhere."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        self.clear_header("Server")

    def check_xsrf_cookie(self) -> None:
        """Writes carry our token, and browsers that say where a request started must say: here."""
        if self.request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise HTTPError(403)
        super().check_xsrf_cookie()

    def get_current_user(self) -> Person | None:
        """Who is logged in."""
        return self.context.sessions.person(self)

    @property
    def language(self) -> str:
        """zh or en, as the person chose."""
        return i18n.language_of(self.get_cookie(i18n.COOKIE))

    def translate(self, text: str, **values: object) -> str:
        """`text` in the person's language, with `values` put in."""
        return i18n.translations("exams", self.language).gettext(text).format(**values)

    any_browser = False
    """Whether candidates may come with any browser to what an exam asks Safe Exam Browser for."""

    def seat_of(self, exam_id: str) -> tuple[Exam, Candidate]:
        """The exam and the candidate that the asker is in it. Raises ProblemError where they are none."""
        exam = self.context.hall.exam(exam_id) if self.current_user.exam in {None, exam_id} else None
        candidate = None if exam is None else self.context.hall.candidates(exam).get(self.current_user.user)
        if exam is None or candidate is None:
            raise not_yours()
        sent = self.request.headers.get(seb.HEADER, "")
        if exam.seb_keys and not self.any_browser and not seb.right(exam.seb_keys, self.request.full_url(), sent):
            raise ProblemError(
                403,
                "seb",
                N_("This exam is sat in Safe Exam Browser with the exam's own settings. Open it from there."),
            )
        return exam, candidate

    def origin(self) -> Origin:
        """Where the asker comes from; a browser that has no name yet is given one, which it keeps."""
        device = self.get_signed_cookie(DEVICE, max_age_days=DEVICE_DAYS)
        name = secrets.token_hex(8) if device is None else device.decode()
        if device is None:
            self.set_signed_cookie(
                DEVICE,
                name,
                expires_days=DEVICE_DAYS,
                path=self.context.prefix,
                httponly=True,
                samesite="Lax",
                secure=self.request.protocol == "https",
            )
        return Origin(name, str(self.request.remote_ip), self.request.headers.get("User-Agent", "")[:MOST_AGENT])

    def watched(self, exam: Exam) -> list[Candidate]:
        """The candidates whom the asker watches over, by number: of all schools, of the own one, or none."""
        candidates = sorted(self.context.hall.candidates(exam).values(), key=lambda candidate: candidate.number)
        if self.sees_all(exam):
            return candidates
        if not self.current_user.groups & SCHOOL_WATCHERS:
            return []
        return [one for one in candidates if school_group(one.school) in self.current_user.groups]

    def exam_for_staff(self, exam_id: str) -> Exam:
        """The exam, for those who watch over candidates of it. Raises ProblemError for all others."""
        exam = self.context.hall.exam(exam_id)
        if exam is None or not (self.sees_all(exam) or self.watched(exam)):
            raise not_yours()
        return exam

    def exam_for_lead(self, exam_id: str) -> Exam:
        """The exam, for the group lead who is in charge of it. Raises ProblemError for all others."""
        exam = self.exam_for_staff(exam_id)
        if not self.leads(exam):
            raise ProblemError(403, "lead_only", N_("Only the group lead of this exam can do that."))
        return exam

    def sees_all(self, exam: Exam) -> bool:
        """Whether the asker may see the candidates of all schools."""
        return self.leads(exam) or "operator" in self.current_user.groups

    def leads(self, exam: Exam) -> bool:
        """Whether the asker is the group lead in charge of `exam`."""
        return "lead" in self.current_user.groups and self.current_user.user == exam.lead

    def on_panel(self, exam: Exam) -> bool:
        """Whether the asker is one of those who mark the answers that people mark; a ticket's session is nobody."""
        person = self.current_user
        named = person.exam is None and person.user in exam.marking.everybody
        return named and bool(person.groups & SCHOOL_WATCHERS)

    def released(self, exam: Exam, candidate: Candidate | None) -> bool:
        """Whether there is a result for the candidate to see."""
        return candidate is not None and self.context.result(exam.id, candidate.number) is not None

    def problem(self, status: int, error: BaseException | None) -> tuple[str, str]:
        """The code and the sentence for an error."""
        if isinstance(error, ProblemError):
            return error.code, self.translate(error.sentence, **error.values)
        return f"http_{status}", self.translate(SENTENCES.get(status, FAULT))

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Tornado's own, with the status that a ProblemError carries."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        super().send_error(error.status if isinstance(error, ProblemError) else status_code, **kwargs)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """A ProblemError is an answer and not a fault."""
        if not isinstance(value, ProblemError):
            super().log_exception(typ, value, tb)


class Page(Handler):
    """A page for a person who is logged in; who is not is sent to log in first."""

    def prepare(self) -> Awaitable[None] | None:
        """Send those without a session to login and back here."""
        if self.current_user is None:
            start = self.context.identity.login_url(self.context.prefix)
            self.redirect(f"{start}?{urlencode({'next': self.request.uri})}")
        return None

    def show(self, template: str, **values: object) -> None:
        """Answer with a template."""
        page = environment(self.language).get_template(template)
        self.finish(
            page.render(
                person=self.current_user,
                language=self.language,
                prefix=self.context.prefix,
                static=self.context.static_prefix,
                portal=self.context.portal,
                xsrf=self.xsrf_token.decode(),
                **values,
            )
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The error as a page with one sentence and the way back."""
        _, sentence = self.problem(status_code, kwargs.get("exc_info", (None, None))[1])
        self.show("error.html", sentence=sentence, status=status_code)


class Api(Handler):
    """JSON for a person who is logged in; who is not gets 401."""

    def prepare(self) -> Awaitable[None] | None:
        """Refuse those without a session."""
        if self.current_user is None:
            raise ProblemError(401, "login", N_("You are not logged in any more. Log in again; your answers are kept."))
        return None

    def body(self) -> dict[str, Any]:
        """The request's JSON object. Raises ProblemError where it is none."""
        try:
            data = json.loads(self.request.body)
        except (ValueError, RecursionError) as error:
            raise unreadable() from error
        if not isinstance(data, dict):
            raise unreadable()
        return data

    def answer(self, data: Mapping[str, Json | object], **texts: str) -> None:
        """Reply with `data`, the server's clock, and `texts`, which are JSON already."""
        self.set_header("Content-Type", "application/json; charset=utf-8")
        plain = json.dumps({"now": self.context.store.now(), **data}, ensure_ascii=False)
        self.finish(plain[:-1] + "".join(f', "{name}": {text}' for name, text in texts.items()) + "}")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The error as {"error": code, "message": sentence}."""
        code, sentence = self.problem(status_code, kwargs.get("exc_info", (None, None))[1])
        self.answer({"error": code, "message": sentence})


def unreadable() -> ProblemError:
    """The browser sent what our own scripts never send."""
    return ProblemError(400, "unreadable", N_("The server could not read what was sent. Load this page again."))


class Health(RequestHandler):
    """Whether the service answers, for those who start it and for balancers."""

    def get(self) -> None:
        """Always yes: who cannot answer does not get here."""
        self.write({"status": "ok"})


class NotFound(Page):
    """Every other address below the prefix."""

    def get(self) -> None:
        """There is nothing."""
        raise HTTPError(404)
