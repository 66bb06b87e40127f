"""Who is asking: a person whom the hub vouched for once, remembered in a signed cookie.

The service asks the hub only while someone logs in. So those who are in stay in while the hub is down.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from jupyterhub.utils import url_path_join
from tornado.httputil import url_concat
from tornado.web import HTTPError, RequestHandler

STAFF = frozenset({"teacher", "lead", "operator"})

CANDIDATE_DAYS = 0.5
"""How long a candidate stays logged in: the longest exam with all extra time, entered from the waiting room."""

STAFF_DAYS = 1 / 24
"""How long staff stay logged in before the hub is asked again whether they still have their role."""

LOGIN_PROBLEM = "login-problem"
"""The page, below the service's prefix, that says that logging in did not work."""

HUB_SESSION_COOKIE = "jupyterhub-session-id"
"""The hub changes it when someone logs out or in: on a shared machine our session must end with the hub's."""


@dataclass(frozen=True)
class Person:
    """Someone logged in: `user` is the hub's name of them, `groups` are the hub's groups.

    exam: the one exam that an admission ticket lets them into; None for those whom the hub vouched for.
    """

    user: str
    groups: frozenset[str]
    exam: str | None = None

    @classmethod
    def of_model(cls, model: Mapping[str, Any]) -> Person:
        """The person of a JupyterHub user model."""
        return cls(model["name"], frozenset(model.get("groups", ())))

    @property
    def staff(self) -> bool:
        """Whether any role of theirs is more than a candidate's."""
        return bool(self.groups & STAFF)


class Sessions:
    """The signed cookie that says who is logged in; the application's `cookie_secret` seals it."""

    def __init__(self, path: str, name: str = "xinglin-exams-session") -> None:
        self.path, self.name = path, name

    def begin(self, handler: RequestHandler, person: Person) -> None:
        """Log `person` in on the browser that `handler` answers."""
        known = {
            "user": person.user,
            "groups": sorted(person.groups),
            "staff": person.staff,
            "hub": _hub_session(handler),
            "exam": person.exam,
        }
        handler.set_signed_cookie(
            self.name,
            json.dumps(known),
            expires_days=STAFF_DAYS if person.staff else CANDIDATE_DAYS,
            path=self.path,
            httponly=True,
            samesite="Lax",
            secure=handler.request.protocol == "https",
        )

    def person(self, handler: RequestHandler) -> Person | None:
        """Who is logged in on the browser that `handler` answers; None where nobody is, or not any more."""
        raw = handler.get_signed_cookie(self.name, max_age_days=CANDIDATE_DAYS)
        if raw is None:
            return None
        known = json.loads(raw)
        if known["staff"] and handler.get_signed_cookie(self.name, max_age_days=STAFF_DAYS) is None:
            return None
        exam = known.get("exam")  # a session from before there were tickets has none
        if exam is None and known["hub"] != _hub_session(handler):
            return None
        return Person(known["user"], frozenset(known["groups"]), exam)

    def end(self, handler: RequestHandler) -> None:
        """Log out."""
        handler.clear_cookie(self.name, path=self.path)


def _hub_session(handler: RequestHandler) -> str:
    return hashlib.sha256((handler.get_cookie(HUB_SESSION_COOKIE) or "").encode()).hexdigest()[:16]


class Identity(Protocol):
    """A way to log in: the addresses it answers below the service's prefix, and where login starts."""

    def routes(self, prefix: str, sessions: Sessions) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
        """The handlers to add; one of them calls `sessions.begin`."""

    def login_url(self, prefix: str) -> str:
        """Where a browser without a session is sent, with `next` in the query."""


def local(target: str, prefix: str) -> str:
    """`target` where it is an address below `prefix`, else `prefix`: login never sends anyone to another site."""
    return target if target.startswith(prefix) and "\\" not in target else prefix


class HubIdentity:
    """Login by JupyterHub's OAuth; the hub's JUPYTERHUB_* environment tells where it is."""

    def routes(self, prefix: str, sessions: Sessions) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
        """See `Identity`."""
        auth = _SessionOAuth(sessions)
        return [
            (url_path_join(prefix, "login"), _HubLogin, {"auth": auth, "prefix": prefix}),
            (url_path_join(prefix, "oauth_callback"), _HubCallback, {"auth": auth, "prefix": prefix}),
        ]

    def login_url(self, prefix: str) -> str:
        """See `Identity`."""
        return f"{prefix}login"


class _SessionOAuth(HubOAuth):  # type: ignore[misc]
    """The hub's OAuth, ending in a session of ours: the browser never holds the hub's token."""

    def __init__(self, sessions: Sessions) -> None:
        super().__init__()
        self._sessions = sessions

    def set_state_cookie(
        self, handler: RequestHandler, next_url: str | None = None, *, code_verifier: str | None = None
    ) -> str:
        """Begin a login; what JupyterHub keeps of it in memory goes along with the browser, sealed.

        So it may end at another process than it began at, or at the same one started anew.
        """
        state: str = super().set_state_cookie(handler, next_url, code_verifier=code_verifier)
        handler.set_signed_cookie(
            self._kept(state),
            json.dumps(self._oauth_states[state]),
            path=self.cookie_path,
            max_age=self.oauth_state_max_age,
            expires_days=None,
            httponly=True,
            samesite="Lax",
            secure=handler.request.protocol == "https",
        )
        return state

    def resume(self, handler: RequestHandler) -> None:
        """Go on with the login that the browser comes back from."""
        state = handler.get_argument("state", "")
        kept = handler.get_signed_cookie(self._kept(state), max_age_days=self.oauth_state_max_age / 86400)
        if kept is not None:
            self._oauth_states[state] = json.loads(kept)

    def _kept(self, state: str) -> str:
        """The cookie's name; JupyterHub clears those that begin so when the login is done."""
        return f"{self.state_cookie_name}-kept-{state}"

    def set_cookie(self, handler: RequestHandler, access_token: str) -> None:
        """Log in whom the token belongs to, where the hub lets them use this service."""
        # the callback has just asked the hub, so this answer comes from the cache
        model = self.user_for_token(access_token, session_id=self.get_session_id(handler))
        if not self.check_scopes(self.access_scopes, model):
            raise HTTPError(403)
        self._sessions.begin(handler, Person.of_model(model))


class _Login(RequestHandler):
    """What logging in has in common: whatever fails ends on our own page, in the person's language."""

    def initialize(self, auth: _SessionOAuth, prefix: str) -> None:
        self.hub_auth, self._prefix = auth, prefix

    def write_error(self, status_code: int, **_kwargs: Any) -> None:  # noqa: ARG002 - Tornado's signature
        self.redirect(self._prefix + LOGIN_PROBLEM)


class _HubLogin(_Login, HubOAuthenticated):  # type: ignore[misc]
    def get(self) -> None:
        """Send the browser to the hub, which sends it back to the callback."""
        verifier, challenge, method = self.hub_auth.generate_pkce_code_challenge()
        target = local(self.get_argument("next", self._prefix), self._prefix)
        state = self.hub_auth.set_state_cookie(self, next_url=target, code_verifier=verifier)
        query = {"code_challenge": challenge, "code_challenge_method": method, "state": state}
        self.redirect(url_concat(self.hub_auth.login_url, query))


class _HubCallback(_Login, HubOAuthCallbackHandler):  # type: ignore[misc]
    async def get(self) -> None:
        """Come back from the hub."""
        self.hub_auth.resume(self)
        await super().get()  # type: ignore[misc]
