"""The API of the desk: searching, saving, and the deeds from draft to live; pictures for the preview."""

from __future__ import annotations

from collections.abc import Set
from datetime import UTC, datetime
from typing import Any

from courses.messages import Refusal
from courses.series import Series
from exams import pictures
from exams.bankdesk import search
from exams.bankdesk.banks import Record
from exams.bankdesk.editing import Change, ClashError, do, save
from exams.bankdesk.handlers import DeskApi
from exams.documents import DocumentError
from exams.experiments import Experiment
from exams.items import Item
from exams.ledger import Act, NotAllowedError
from exams.marking import value
from exams.web import N_, ProblemError, unreadable
from widgets.labels import labels

MOST_NOTE = 500
MOST_ITEMS = 20
"""Items in one change: a group."""

STEM_SHOWN = 120
"""Characters of a stem in the list."""


class Items(DeskApi):
    """The list, and what is written into the bank."""

    def get(self, _bank: str) -> None:
        """A page of what fits the query, with how many fit each filter's values."""
        query = search.query_of({name: self.get_query_argument(name, "") for name in ("text", *search.FILTERS)})
        page = self.get_query_argument("page", "0")
        if not page.isdecimal() or len(page) > 6:
            raise unreadable()
        records = list(self.bank.records.values())
        found = search.found(records, query)
        first, secret = int(page) * search.PAGE, self.secret
        self.answer(
            {
                "total": len(found),
                "pages": -(-len(found) // search.PAGE),
                "items": [row(record, secret) for record in found[first : first + search.PAGE]],
                "counts": search.counts(records, query),
            }
        )

    async def post(self, bank: str) -> None:
        """A change -> {"items": ids of the drafts it made}; what is wrong is said with the field it is wrong in."""
        change = change_of(self.body())
        try:
            saved = await self.apart(
                save, self.banks, bank, change, self.current_user.user, datetime.now(UTC), self._check
            )
        except ClashError as error:
            raise await self.clash(error) from error
        except DocumentError as error:
            raise FieldError(error, self.said(error.sentence)) from error
        self.answer({"items": saved})

    async def clash(self, error: ClashError) -> ProblemError:
        """Who was first, and when."""
        self.bank = await self.read(self.bank.name)
        return clashed(self, error.item)

    def _check(self, item: Item) -> None:
        """An image must be there, and the author's own measurement on it must earn full marks."""
        if item.asset is None or item.asset["kind"] != "dicom":
            return
        try:
            series = self.context.series(item.asset["case"])
        except (LookupError, Refusal) as error:
            said = error.message.say(self.language) if isinstance(error, Refusal) else str(error)
            raise DocumentError(said, ("asset", "case")) from error
        if item.asset["frame"] >= series.frames:
            raise DocumentError(f"The case has {series.frames} frames, counted from 0.", ("asset", "frame"))
        if item.type == "measurement":
            own = value(item, item.example, series)
            if own is None or not isinstance(item.key, float) or abs(own - item.key) > item.tolerance:
                found = "nothing" if own is None else f"{own:.4g}"
                raise DocumentError(
                    f"Your own measurement comes to {found}, which does not earn the points.", ("example",)
                )


class FieldError(ProblemError):
    """What a form says that an item may not be; `path` names the field."""

    def __init__(self, error: DocumentError, said: str) -> None:
        super().__init__(400, "field", "{said}", said=said)
        self.path = error.path


def clashed(handler: DeskApi, item: str) -> ProblemError:
    """The refusal for who edited what another has changed."""
    entries = handler.entries(item)
    by = entries[-1].by if entries else "?"
    sentence = N_("{by} changed {item} while you had it open. What you typed is still here: compare, then save again.")
    return ProblemError(409, "clash", sentence, by=by, item=item)


def row(record: Record, secret: Set[str]) -> dict[str, Any]:
    """A record as the list shows it; forms of `secret` exams are not counted."""
    item, told = record.item, record.measured
    stem = " ".join(item.stem.split())
    return {
        "id": item.id,
        "type": item.type,
        "topic": item.topic,
        "level": item.level,
        "stem": stem if len(stem) <= STEM_SHOWN else f"{stem[:STEM_SHOWN]}…",
        "state": record.state,
        "expected": item.difficulty,
        "forms": sum(exam not in secret for exam in record.forms),
        "difficulty": told and told.difficulty,
        "discrimination": told and told.discrimination,
        "candidates": told and told.candidates,
    }


def change_of(body: dict[str, Any]) -> Change:
    """The change that a browser sends. Raises ProblemError where it is none."""
    items, versions, group = (body.get(name) for name in ("items", "versions", "group"))
    entries = items if isinstance(items, list) else []
    if not all(isinstance(entry, dict) and isinstance(entry.get("id"), str) for entry in entries):
        raise unreadable()
    if not isinstance(versions, dict) or not all(isinstance(version, str) for version in versions.values()):
        raise unreadable()
    if not (group is None or isinstance(group, dict)) or not 1 <= len(entries) + (group is not None) <= MOST_ITEMS:
        raise unreadable()
    by_id = {entry["id"]: entry for entry in entries}
    if len(by_id) < len(entries) or not versions.keys() <= by_id.keys():
        raise unreadable()
    return Change(by_id, versions, group, str(body.get("group_version", "")))


class Deed(DeskApi):
    """Review, publish, retire, sign."""

    async def post(self, bank: str, item: str, deed: str) -> None:
        """{"version", "note"} -> {}; the version is the one that the person has seen."""
        self.record(item)
        body = self.body()
        version, note = body.get("version"), body.get("note", "")
        if not isinstance(version, str) or not isinstance(note, str):
            raise unreadable()
        act, note = Act(deed), note.strip()[:MOST_NOTE]
        try:
            now = datetime.now(UTC)
            await self.apart(do, self.banks, bank, item, version, act, self.current_user.user, now, note)
        except ClashError as error:
            sentence = N_("{item} was changed while you had it open. Load the page again and look at it as it is now.")
            raise ProblemError(409, "clash", sentence, item=item) from error
        except NotAllowedError as error:
            raise ProblemError(409, "not_allowed", "{said}", said=self.said(str(error))) from error
        self.answer({})


class StaffItem(DeskApi):
    """What belongs to an item of the bank, at the address that the room's scripts ask for."""

    def item(self, _bank: str, item: str) -> Item:
        """The item."""
        return self.record(item).item

    def series_of(self, bank: str, item: str) -> Series:
        """The image series of an item that shows one. Raises ProblemError for any other."""
        asset = self.item(bank, item).asset
        if asset is None or asset["kind"] != "dicom":
            raise ProblemError(404, "no_image", N_("This item has no image."))
        return self.case(str(asset["case"]))

    def case(self, case: str) -> Series:
        """The image series of a case. Raises ProblemError where the library has none."""
        try:
            return self.context.series(case)
        except Refusal as error:
            raise ProblemError(404, "no_case", "{said}", said=error.message.say(self.language)) from error


class SeriesMeta(StaffItem, pictures.SeriesMeta):
    """See `pictures.SeriesMeta`."""


class Frame(StaffItem, pictures.Frame):
    """See `pictures.Frame`; the address changes with the item, so a browser may keep what it got."""


class Signals(StaffItem, pictures.Signals):
    """See `pictures.Signals`."""


class Run(StaffItem, Experiment):
    """A run of the simulation, tried by staff; nobody keeps it."""

    async def post(self, bank: str, item: str) -> None:
        """See `experiments.Run`."""
        _values, run = await self.run_of(self.item(bank, item), (bank, self.current_user.user))
        self.answer({"run": dict(run), "labels": labels()})


class StaffCase(StaffItem):
    """A case that an item may show, for the author who measures in it before there is an item."""

    def series_of(self, _bank: str, item: str) -> Series:
        """The image series of the case, which stands where the room's scripts put an item's id."""
        return self.case(item)


class CaseMeta(StaffCase, pictures.SeriesMeta):
    """See `pictures.SeriesMeta`."""


class CaseFrame(StaffCase, pictures.Frame):
    """See `pictures.Frame`; the images of a case never change."""
