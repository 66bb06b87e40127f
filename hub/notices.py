"""Notices: the pages of the apps service that are no lab, in the portal's frame and the visitor's language."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, FileSystemLoader

from hub.settings import ROOT
from widgets.i18n import COOKIE, LANGUAGES, language_of, translations

PORTAL = "/hub/"
TEMPLATES = Environment(loader=FileSystemLoader(ROOT / "hub" / "templates"), autoescape=True)


class Noticing:
    """Mixed into handlers of pages: what they have to say looks as the portal does."""

    def notice(self, template: str, here: str, **names: Any) -> str:
        """A page from the portal's `template` and its `names`; changing the language there leads back to `here`."""
        handler: Any = self
        user = getattr(handler, "_current_user", None)  # asking for it would look it up, which may be what has failed
        person = handler.settings["directory"].find(user.username) if user else None
        language = language_of(handler.get_cookie(COOKIE))
        frame = {
            "_": translations("hub", language).gettext,
            "base_url": PORTAL,
            "here": here,
            "language": language,
            "languages": LANGUAGES,
            "logout_url": f"{PORTAL}logout",
            "person": person,
            "user": person,
        }
        return TEMPLATES.get_template(template).render(frame | names)

    def write_error(self, status_code: int, **_details: Any) -> None:
        """A page with one sentence and the way back."""
        handler: Any = self
        handler.set_header("Content-Type", "text/html; charset=utf-8")
        handler.finish(self.notice("error.html", handler.request.uri, status_code=status_code))
