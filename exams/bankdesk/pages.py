"""The pages of the desk: the list, an item, the form, and the preview that an item's page shows in a frame."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from courses.cases import BUILT_IN
from courses.models import ecg
from courses.simulations import SIMULATIONS
from exams.bankdesk import deeds, fields, search
from exams.bankdesk.banks import Record
from exams.bankdesk.editing import group_version
from exams.bankdesk.handlers import DeskPage, no_bank
from exams.interchange.formats import FORMATS
from exams.items import GROUPED, SHARED_STEM, Group, Item
from exams.ledger import Act, Entry, State, authors
from exams.pages import KINDS, ROOM, labels
from exams.web import CONTENT_SECURITY_POLICY, N_

SCRIPTS = Path(__file__).parent / "scripts"

STATES = {
    State.DRAFT: N_("Draft"),
    State.REVIEWED: N_("Reviewed"),
    State.LIVE: N_("Live"),
    State.RETIRED: N_("Retired"),
}
FORMAT_NAMES = {"gift": "GIFT", "moodle": "Moodle XML", "qti21": "QTI 2.1", "qti30": "QTI 3.0", "xlsx": "Excel (xlsx)"}
SUMMARY = 60
"""Characters of a shared stem where a group is chosen."""


class BankPage(DeskPage):
    """What the pages of one bank have in common."""

    def present(self, template: str, **values: object) -> None:
        """Answer with a template of the desk."""
        self.show(
            template,
            bank=self.bank,
            bank_title=self.title(self.bank.name),
            labels=labels(self.language, ROOM, SCRIPTS),
            states={state: self.translate(name) for state, name in STATES.items()},
            **values,
        )

    def embedded(self, data: object) -> str:
        """Plain data for a script of the page; no text in it can end the element that holds it."""
        return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")

    def kinds(self) -> dict[str, str]:
        """What the types are called."""
        return {kind: self.translate(KINDS[kind]) if kind in KINDS else kind for kind in fields.OWN}


class Front(DeskPage):
    """The address without a bank."""

    async def get(self) -> None:
        """Go to the first bank; where there is none, say how one begins."""
        names = await self.apart(self.banks.names)
        if names:
            self.redirect(f"{self.context.prefix}bank/{names[0]}/")
        else:
            self.show("bank_none.html", folder=self.banks.root)


class List(BankPage):
    """Searching."""

    async def get(self, _bank: str) -> None:
        """The page; its script asks for what is on it."""
        named = {name: self.title(name) for name in await self.apart(self.banks.names)}
        choices = {
            "level": {name: self.translate(fields.CHOICES[name]) for name in ("recall", "apply", "analyse")},
            "state": {state: self.translate(name) for state, name in STATES.items()},
            "type": self.kinds(),
            "topic": {},
        }
        data = self.embedded({"bank": self.bank.name, "prefix": self.context.prefix, "choices": choices})
        self.present("bank_list.html", banks=named, filters=search.FILTERS, data=data, formats=FORMAT_NAMES)


class One(BankPage):
    """One item: as candidates see it, and what only staff see."""

    def get(self, _bank: str, item: str) -> None:
        """The page."""
        record, secret = self.record(item), self.secret
        own = record.item
        entries = [one for one in self.entries(item) if one.act is not Act.USE or one.detail.get("exam") not in secret]
        told = [(act, why) for act, why in deeds.offered(entries, own, self.current_user.user)]
        back = record.state is State.RETIRED
        self.present(
            "bank_item.html",
            item=own,
            record=record,
            forms=sum(exam not in secret for exam in record.forms),
            kind=self.kinds().get(own.type, own.type),
            level=self.translate(fields.CHOICES[own.level]),
            key=key_of(own),
            members=[] if own.group is None else [one.id for one in self.bank.members(own.group.id)],
            allowed=[(act, self.translate(deeds.BACK if back else deeds.DEEDS[act])) for act, why in told if not why],
            refused=[(self.translate(deeds.DEEDS[act]), self.said(why)) for act, why in told if why],
            history=[self._line(entry, record) for entry in reversed(entries)],
            by=sorted(authors(entries, own)),
            data=self.embedded(
                {"bank": self.bank.name, "prefix": self.context.prefix, "item": item, "version": record.version}
            ),
        )

    def _line(self, entry: Entry, record: Record) -> dict[str, Any]:
        """An entry of the history as it is read."""
        detail = {name: f"{value:.2f}" if isinstance(value, float) else value for name, value in entry.detail.items()}
        return {
            "at": round(datetime.fromisoformat(entry.at).timestamp() * 1000),
            "by": entry.by,
            "act": self.translate(deeds.DONE[entry.act]),
            "now": entry.version == record.version,
            "detail": " · ".join(str(value) for value in detail.values()),
        }


def key_of(item: Item) -> list[str]:
    """The key as people read it, a line for each right answer."""
    if isinstance(item.key, float):
        return [f"{item.key:g} ± {item.tolerance:g} {item.unit}"]
    if item.regions:
        plain = [region.document() for region in item.regions]
        return ["  ".join(f"{name} {value}" for name, value in region.items()) for region in plain]
    return [f"{letter}. {text}" for letter, text in item.options if letter in (item.key or ())]


class Preview(BankPage):
    """What a candidate sees, in the room's own layout and by its own scripts; shown in a frame of the item's page."""

    def get(self, _bank: str, item: str) -> None:
        """The item with those of its group, as the room would show them."""
        own = self.record(item).item
        paper = [own] if own.group is None else self.bank.members(own.group.id)
        digest = hashlib.sha256("".join(self.bank.records[one.id].version for one in paper).encode()).hexdigest()[:16]
        self.set_header(
            "Content-Security-Policy",
            CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'"),
        )
        self.present(
            "bank_preview.html",
            data=self.embedded(
                {
                    "api": f"{self.context.prefix}api/bank/{self.bank.name}/at/{digest}/",
                    "base": self.context.static_prefix,
                    "items": [one.public() for one in paper],
                    "index": paper.index(own),
                }
            ),
        )


class Form(BankPage):
    """What the pages with a form have in common."""

    def form(self, title: str, items: Sequence[dict[str, Any]], group: dict[str, Any] | None, **values: object) -> None:
        """The page of a form over `items`, and over a group where there is one."""
        records = self.bank.records.values()
        cases = {record.item.asset["case"] for record in records if record.item.asset and "case" in record.item.asset}
        data = {
            "bank": self.bank.name,
            "prefix": self.context.prefix,
            "base": self.context.static_prefix,
            "user": self.current_user.user,
            "items": items,
            "group": group,
            "topics": list(dict.fromkeys(record.item.topic for record in records)),
            "cases": sorted(cases | BUILT_IN.keys()),
            "models": {
                model: {name: one.value for name, one in SIMULATIONS[model].parameters.items()}
                for model in fields.MODELS
            },
            "rhythms": {rhythm: ecg.parameters(rhythm) for rhythm in ecg.RHYTHMS},
        }
        self.present(
            "bank_form.html", title=title, data=self.embedded(data), kinds=self.kinds(), **{"kind": "", **values}
        )

    def shown(self, kind: str) -> list[dict[str, Any]]:
        """The fields of a type."""
        return fields.shown(fields.fields_of(kind), self.translate)

    def groups(self, kind: str) -> list[dict[str, Any]]:
        """The groups that items of the type may be of."""
        if kind not in GROUPED:
            return []
        known = dict.fromkeys(record.item.group for record in self.bank.records.values() if record.item.group)
        return [
            {
                "id": group.id,
                "text": (group.stem or " / ".join(dict(group.options).values()))[:SUMMARY],
                "options": dict(group.options),
            }
            for group in known
            if bool(group.stem) == (kind in SHARED_STEM)
        ]

    def part(self, kind: str, document: dict[str, Any], version: str = "") -> dict[str, Any]:
        """An item of the form; without a version it is new."""
        return {
            "type": kind,
            "document": document,
            "version": version,
            "fields": self.shown(kind),
            "groups": self.groups(kind),
        }


class Edit(Form):
    """Editing one item."""

    def get(self, _bank: str, item: str) -> None:
        """The form with what the item holds."""
        record = self.record(item)
        document = record.item.document() | {"_by": "options" if record.item.options else "number"}
        title = self.translate(N_("Edit {item}"), item=item)
        self.form(title, [self.part(record.item.type, document, record.version)], None, item=record.item)


class New(Form):
    """A new item, or a new group with its first two."""

    def get(self, _bank: str) -> None:
        """The form with nothing in it; ?type, and for types that share something ?group (none: a new one)."""
        kind = self.get_query_argument("type", "A1")
        topic = self.get_query_argument("topic", "") or next((one.item.topic for one in self.bank.records.values()), "")
        if kind not in fields.OWN:
            raise no_bank()
        first, second = self.bank.next_ids(topic, 2)
        begin = fields.blank(kind, topic)
        items = [self.part(kind, {"id": first} | begin)]
        group = None
        existing = self.get_query_argument("group", "")
        if existing:
            items[0]["document"]["group"] = existing
        elif kind in GROUPED:
            items.append(self.part(kind, {"id": second} | begin))
            group = {
                "document": {"id": f"{first}-g"},
                "version": "",
                "members": [],
                "fields": fields.shown(fields.group_fields(kind), self.translate),
            }
        title = self.translate(N_("New item"))
        self.form(title, items, group, kind=kind, item=None, existing=existing, known=self.groups(kind))


class Shared(Form):
    """Editing what several items share."""

    def get(self, _bank: str, group: str) -> None:
        """The form of the group, with the items that change with it."""
        members = self.bank.members(group)
        if not members or members[0].group is None:
            raise no_bank()
        own: Group = members[0].group
        document = own.document()
        part = {
            "document": document,
            "version": group_version(own),
            "members": [member.id for member in members],
            "fields": fields.shown(fields.group_fields(members[0].type), self.translate),
        }
        self.form(self.translate(N_("Edit what is shared")), [], part, item=members[0])


class Import(BankPage):
    """Bringing items in."""

    def get(self, _bank: str) -> None:
        """The page; its script sends the file and shows the report."""
        topics = list(dict.fromkeys(record.item.topic for record in self.bank.records.values()))
        formats = {name: FORMAT_NAMES[name] for name in FORMATS}
        data = self.embedded({"bank": self.bank.name, "prefix": self.context.prefix})
        levels = {name: self.translate(fields.CHOICES[name]) for name in ("recall", "apply", "analyse")}
        self.present("bank_import.html", data=data, formats=formats, topics=topics, levels=levels)
