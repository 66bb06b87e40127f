"""The addresses of the marking desk below the exam service's prefix."""

from __future__ import annotations

from typing import Any

from exams.panel import api, lead, pages, pictures
from exams.panel.severity import Severities
from exams.panel.store import PanelStore
from exams.web import Context, Handler

EXAM, ITEM = r"([a-z0-9][a-z0-9_-]*)", r"([A-Za-z0-9][A-Za-z0-9_-]*)"

ROUTES: list[tuple[str, type[Handler]]] = [
    (f"{EXAM}/marking/", pages.Front),
    (f"{EXAM}/marking/{ITEM}", pages.Marking),
    (f"api/{EXAM}/marking/questions", api.Questions),
    (f"api/{EXAM}/marking/{ITEM}/claim", api.Claim),
    (f"api/{EXAM}/marking/{ITEM}/deeds", api.Deeds),
    (f"api/{EXAM}/marking/{ITEM}/own", api.Own),
    (f"api/{EXAM}/marking/items/{ITEM}/series", pictures.Series),
    (rf"api/{EXAM}/marking/items/{ITEM}/frames/(\d{{1,5}})", pictures.Frame),
    (f"api/{EXAM}/marking/items/{ITEM}/signals", pictures.Signals),
    (f"{EXAM}/panel", lead.Lead),
    (f"api/{EXAM}/panel/watch", lead.Watch),
    (f"api/{EXAM}/panel/markers", lead.Markers),
    (f"api/{EXAM}/panel/items/{ITEM}/sheets", lead.Sheets),
    (f"api/{EXAM}/panel/items/{ITEM}/standard", lead.Standard),
    (f"api/{EXAM}/panel/settings", lead.Settings),
]


def routes(context: Context, panel: PanelStore) -> list[tuple[str, type[Handler], dict[str, Any]]]:
    """The routes as Tornado takes them."""
    carried = {"context": context, "panel": panel}
    more: dict[type[Handler], dict[str, Any]] = {lead.Markers: {"severities": Severities()}}
    return [(context.prefix + pattern, handler, carried | more.get(handler, {})) for pattern, handler in ROUTES]
