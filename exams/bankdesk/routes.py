"""The addresses of the desk below the exam service's prefix; no exam is called `bank`."""

from __future__ import annotations

from typing import Any

from exams.bankdesk import api, pages, trade
from exams.bankdesk.banks import Banks
from exams.web import Context, Handler

BANK, ITEM = r"bank/([A-Za-z0-9][A-Za-z0-9_-]*)", r"([A-Za-z0-9][A-Za-z0-9_-]*)"

ROUTES: list[tuple[str, type[Handler]]] = [
    ("bank/", pages.Front),
    (f"{BANK}/", pages.List),
    (f"{BANK}/item/{ITEM}", pages.One),
    (f"{BANK}/preview/{ITEM}", pages.Preview),
    (f"{BANK}/edit/{ITEM}", pages.Edit),
    (f"{BANK}/new", pages.New),
    (f"{BANK}/group/{ITEM}", pages.Shared),
    (f"{BANK}/import", pages.Import),
    (f"api/{BANK}/items", api.Items),
    (rf"api/{BANK}/items/{ITEM}/deeds/(write|review|publish|retire)", api.Deed),
    (rf"api/{BANK}/at/[0-9a-f]{{16}}/items/{ITEM}/series", api.SeriesMeta),
    (rf"api/{BANK}/at/[0-9a-f]{{16}}/items/{ITEM}/frames/(\d{{1,5}})", api.Frame),
    (rf"api/{BANK}/at/[0-9a-f]{{16}}/items/{ITEM}/signals", api.Signals),
    (rf"api/{BANK}/at/[0-9a-f]{{16}}/items/{ITEM}/runs", api.Run),
    (f"api/{BANK}/cases/items/{ITEM}/series", api.CaseMeta),
    (rf"api/{BANK}/cases/items/{ITEM}/frames/(\d{{1,5}})", api.CaseFrame),
    (f"api/{BANK}/import", trade.Upload),
    (f"api/{BANK}/import/confirm", trade.Confirm),
    (f"api/{BANK}/export", trade.Export),
    (f"api/{BANK}/export/([a-z0-9]+)", trade.Download),
]


def routes(context: Context, banks: Banks) -> list[tuple[str, type[Handler], dict[str, Any]]]:
    """The routes as Tornado takes them."""
    carried = {"context": context, "banks": banks}
    return [(context.prefix + pattern, handler, carried) for pattern, handler in ROUTES]
