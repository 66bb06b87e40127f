"""Import and export at the desk: what a file holds is told before anything is written, what it cannot hold before it
is handed out.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from tornado.web import HTTPError, stream_request_body

from exams.bankdesk import search
from exams.bankdesk.banks import Bank, Record
from exams.bankdesk.editing import ClashError, add
from exams.bankdesk.handlers import DeskApi
from exams.documents import DocumentError
from exams.interchange import apart
from exams.interchange.bankfile import Defaults
from exams.interchange.formats import FORMATS
from exams.interchange.report import ALL, WHOLE, Loss
from exams.interchange.safe import MOST_BYTES
from exams.items import LEVELS, Item
from exams.web import N_, ProblemError, unreadable

PENDING = ".desk"
"""Below a bank's folder: what was read for an import or written for an export, one of each a person."""

MOST_NAME = 120
AT_ONCE = 2
"""Files read or written at a time: each may take much memory, and candidates sit exams on the same machine."""

ENDINGS = {"gift": "gift", "moodle": "xml", "qti21": "zip", "qti30": "zip", "xlsx": "xlsx"}
_turns = asyncio.Semaphore(AT_ONCE)


class Trade(DeskApi):
    """What import and export have in common."""

    def pending(self, what: str) -> Path:
        """Where this person's import or export waits."""
        folder = self.bank.folder / PENDING
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{hashlib.sha256(self.current_user.user.encode()).hexdigest()[:16]}.{what}"

    def report(self, losses: Iterable[Loss]) -> list[dict[str, Any]]:
        """The report as it is read: one line for each field and reason, with the items concerned."""
        lines: dict[tuple[str, str], list[str]] = {}
        for loss in losses:
            lines.setdefault((loss.what, loss.why), []).append(loss.item)
        return [
            {
                "what": "" if what == WHOLE else self.said(what),
                "why": self.said(why),
                "items": [name for name in dict.fromkeys(items) if name != ALL],
            }
            for (what, why), items in lines.items()
        ]


@stream_request_body
class Upload(Trade):
    """A file to import: read in a process of its own, told about, and kept until it is confirmed."""

    _scratch: tempfile.TemporaryDirectory[str]
    _file: BinaryIO

    async def prepare(self) -> None:
        """Only now, for one of staff, may the body be large."""
        await super().prepare()
        length = self.request.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            sentence = N_("The file is larger than {most} MB: split it and import the parts.")
            raise ProblemError(413, "too_large", sentence, most=MOST_BYTES // 1_000_000)
        self.request.connection.set_max_body_size(MOST_BYTES)  # type: ignore[union-attr]
        self._scratch = tempfile.TemporaryDirectory(dir=self.pending("import").parent)
        self._file = (Path(self._scratch.name) / apart.FILE).open("wb")

    def data_received(self, chunk: bytes) -> None:
        """A piece of the file."""
        self._file.write(chunk)

    def on_finish(self) -> None:
        """Whatever came of it, the upload goes."""
        self._drop()

    def on_connection_close(self) -> None:
        """The browser went away."""
        super().on_connection_close()
        self._drop()

    def _drop(self) -> None:
        if hasattr(self, "_scratch"):
            self._file.close()
            self._scratch.cleanup()

    async def post(self, _bank: str) -> None:
        """The file itself -> {"token", "items", "clashes", "report"}; nothing is written into the bank."""
        self._file.close()
        kind, name = self.get_query_argument("format", ""), self.get_query_argument("name", "")[:MOST_NAME]
        if kind not in FORMATS:
            raise unreadable()
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem).strip("-_") or "imported"
        try:
            async with _turns:
                data, losses = await self.apart(
                    apart.imported, Path(self._scratch.name), kind, stem, self._defaults(name)
                )
        except DocumentError as error:
            raise ProblemError(400, "refused", "{said}", said=self.said(error.sentence)) from error
        kept, clashes = without_clashes(data, self.bank)
        told = [loss for loss in losses if loss.item not in clashes]
        token = secrets.token_hex(8)
        self.pending("import").write_text(json.dumps({"token": token, "stem": stem, "data": kept}), encoding="utf-8")
        items = [{name: str(item[name]) for name in ("id", "type", "stem")} for item in kept["items"]]
        self.answer({"token": token, "items": items, "clashes": clashes, "report": self.report(told)})

    def _defaults(self, name: str) -> Defaults:
        """What stands in where the file says nothing."""
        level, topic = self.get_query_argument("level", "apply"), self.get_query_argument("topic", "") or "imported"
        try:
            difficulty = float(self.get_query_argument("difficulty", "") or 0.7)
        except ValueError:
            difficulty = 0.0
        if level not in LEVELS or not 0 < difficulty < 1:
            raise ProblemError(
                400, "difficulty", N_("The difficulty is the share expected to get it right, between 0 and 1.")
            )
        subject = next((one.item.subject for one in self.bank.records.values()), self.bank.name)
        return Defaults(subject, topic, self.get_query_argument("source", "") or f"导入自 {name}", level, difficulty)


def without_clashes(data: Mapping[str, Any], bank: Bank) -> tuple[dict[str, Any], list[str]]:
    """The bank file without the items whose ids the bank has, and those ids; a group stays or goes as a whole."""
    taken = bank.names()
    items = data["items"]
    gone = {item["group"] for item in items if "group" in item and {item["id"], item["group"]} & taken}
    kept = [item for item in items if item["id"] not in taken and item.get("group") not in gone]
    groups = [group for group in data.get("groups", []) if group["id"] not in gone]
    left = [str(item["id"]) for item in items if item not in kept]
    return {**data, **({"groups": groups} if "groups" in data else {}), "items": kept}, left


class Confirm(Trade):
    """Yes to what was read."""

    async def post(self, bank: str) -> None:
        """{"token"} -> {"items": ids}; they are drafts of this person's."""
        path = self.pending("import")
        kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
        if not kept or kept["token"] != self.body().get("token") or not kept["data"]["items"]:
            raise ProblemError(409, "gone", N_("This file was read too long ago. Read it again."))
        try:
            now = datetime.now(UTC)
            ids = await self.apart(add, self.banks, bank, kept["data"], kept["stem"], self.current_user.user, now)
        except ClashError as error:
            sentence = N_("The bank has got the id {item} meanwhile. Nothing was imported: read the file again.")
            raise ProblemError(409, "clash", sentence, item=error.item) from error
        path.unlink()
        self.answer({"items": ids})


class Export(Trade):
    """The items that a search found, in another program's format."""

    async def post(self, bank: str) -> None:
        """{"format", "query"} -> {"written", "left_out", "report", "href", "name"}."""
        body = self.body()
        kind, asked = body.get("format"), body.get("query")
        if (
            kind not in FORMATS
            or not isinstance(asked, dict)
            or not all(isinstance(one, str) for one in asked.values())
        ):
            raise unreadable()
        items = whole(self.bank, search.found(self.bank.records.values(), search.query_of(asked)))
        if not items:
            raise ProblemError(409, "nothing", N_("No item fits. Take out a word or a filter."))
        path = self.pending("export")
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            try:
                async with _turns:
                    losses = await self.apart(apart.exported, Path(scratch), items, kind)
            except DocumentError as error:
                raise ProblemError(409, "refused", "{said}", said=self.said(error.sentence)) from error
            (Path(scratch) / apart.FILE).replace(path)
        left_out = len({loss.item for loss in losses if loss.what == WHOLE})
        self.answer(
            {
                "written": len(items) - left_out,
                "left_out": left_out,
                "report": self.report(losses),
                "href": f"{self.context.prefix}api/bank/{bank}/export/{kind}",
                "name": f"{bank}.{ENDINGS[kind]}",
            }
        )


class Download(Trade):
    """What this person exported last."""

    def get(self, bank: str, kind: str) -> None:
        """The file."""
        path = self.pending("export")
        if kind not in FORMATS or not path.exists():
            raise HTTPError(404)
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", f'attachment; filename="{bank}.{ENDINGS[kind]}"')
        self.finish(path.read_bytes())


def whole(bank: Bank, records: Iterable[Record]) -> list[Item]:
    """The items of the records with those that they share something with, in the order of the bank."""
    found = [record.item for record in records]
    ids, groups = {item.id for item in found}, {item.group.id for item in found if item.group}
    everything = (record.item for record in bank.records.values())
    return [item for item in everything if item.id in ids or (item.group and item.group.id in groups)]
