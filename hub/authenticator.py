"""The authenticator: nativeauthenticator's passwords, groups from our directory, and the portal's pages.

JupyterHub asks its authenticator for handlers first, so this is where our home page takes the place of the stock one.
"""

from __future__ import annotations

from typing import Any

from jupyterhub import apihandlers
from jupyterhub import handlers as hub_handlers
from nativeauthenticator import NativeAuthenticator
from nativeauthenticator.handlers import ChangePasswordHandler

from hub.handlers import HANDLERS, localised
from hub.people import Directory
from hub.roles import groups_of
from hub.settings import load
from hub.state import engine


def _groups(user: str) -> list[str] | None:
    """The hub groups of `user`, None where nobody of that name is in the directory."""
    settings = load()
    person = Directory(engine(settings.database_url)).find(user)
    return None if person is None else groups_of(person, settings.exams.collaboration)


class XinglinAuthenticator(NativeAuthenticator):  # type: ignore[misc]
    """Log in by name and password; the groups follow from the directory at every login."""

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """The user and their groups, or None where name or password is wrong or the person is not in the directory."""
        user = await super().authenticate(handler, data)
        if user is None:
            return None
        if (groups := _groups(user)) is None:
            self.log.warning("%s has a password but is not in the directory.", user)
            return None
        return {"name": user, "groups": groups}

    async def refresh_user(self, user: Any, handler: Any = None) -> dict[str, Any]:  # noqa: ARG002 - the base class's
        """The groups as the directory has them now: a role that was taken away must not last as long as a log-in."""
        return {"name": user.name, "groups": _groups(user.name) or []}

    def get_handlers(self, app: Any) -> list[Any]:  # noqa: ARG002 - the base class's signature
        """Our pages, then all of the hub's own, in the language chosen: whatever address fails shows our template.

        Of nativeauthenticator's pages one is kept: accounts are made by operators, and its log-in page (1.3.0) needs a
        part of the hub that JupyterHub 6 no longer has.
        """
        password = (r"/change-password", ChangePasswordHandler)
        own = [*hub_handlers.default_handlers, *apihandlers.default_handlers]
        # nobody here needs tokens, and the hub's page for them is neither translated nor made for a phone
        closed = [(address, hub_handlers.Template404) for address in (r"/token", r"/accept-share")]
        nowhere = (r"/(?!api/|static/|logo$).*", hub_handlers.Template404)
        return [*HANDLERS, *localised([password, *closed, *own, nowhere])]
