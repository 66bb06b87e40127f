"""What every page and answer of the bank's desk begins with: who is asking, and which bank."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from exams.bankdesk import wording
from exams.bankdesk.banks import Bank, Banks, Record
from exams.documents import DocumentError
from exams.ledger import Entry
from exams.web import N_, Api, Handler, Page, ProblemError

T = TypeVar("T")

KNOWN = {"diagnostics": N_("Diagnostics"), "imaging": N_("Medical imaging"), "physiology": N_("Physiology")}
"""What the banks that come with us are called; any other by its folder."""


def no_bank() -> ProblemError:
    """The same for a bank and for an item of one."""
    return ProblemError(404, "not_found", N_("There is no such item or bank. Go back to the list."))


class Desk(Handler):
    """Mixed into pages and API: for teachers, group leads and operators whom the hub vouched for, and nobody else."""

    banks: Banks
    bank: Bank

    def initialize(self, context: Any, banks: Banks) -> None:  # type: ignore[override]
        """Called by Tornado with what the route carries."""
        super().initialize(context)
        self.banks = banks

    async def prepare(self) -> None:
        """Send away who is not staff, and have the bank of the address in `self.bank`."""
        super().prepare()
        if self._finished:
            return
        if not self.current_user.staff:
            raise ProblemError(403, "staff_only", N_("The item bank is open to teachers, group leads and operators."))
        if self.path_args:
            self.bank = await self.read(self.path_args[0])

    async def read(self, name: str) -> Bank:
        """The bank of this name as it is now. Raises ProblemError."""
        try:
            return await self.apart(self.banks.bank, name)
        except LookupError as error:
            raise no_bank() from error
        except DocumentError as error:
            raise self.wrong(error) from error

    async def apart(self, work: Callable[..., T], *arguments: object) -> T:
        """Work on files in a thread, so that those who sit an exam here wait for none of it."""
        return await asyncio.to_thread(work, *arguments)

    def wrong(self, error: DocumentError) -> ProblemError:
        """A bank that cannot be read."""
        return ProblemError(409, "bank_wrong", N_("The bank cannot be read: {said}"), said=self.said(str(error)))

    def said(self, sentence: str) -> str:
        """A sentence of the modules below in the person's language."""
        return wording.said(sentence, self.language)

    def record(self, item: str) -> Record:
        """The item of the bank. Raises ProblemError where it has none of this id."""
        if item not in self.bank.records:
            raise no_bank()
        return self.bank.records[item]

    def entries(self, item: str) -> list[Entry]:
        """What the ledger says of the item."""
        return list(self.bank.entries.get(item, ()))

    @property
    def secret(self) -> frozenset[str]:
        """The exams that are not over: nobody learns here which items are in their papers."""
        now = self.context.store.now() / 1000
        return frozenset(exam.id for exam in self.context.hall.exams() if now < exam.closes.timestamp())

    def title(self, bank: str) -> str:
        """What the bank is called."""
        return self.translate(KNOWN[bank]) if bank in KNOWN else bank


class DeskPage(Desk, Page):
    """A page of the desk."""


class DeskApi(Desk, Api):
    """An answer of the desk."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The error as {"error": code, "message": sentence}; a form is told the field too: "path"."""
        error = kwargs.get("exc_info", (None, None))[1]
        code, sentence = self.problem(status_code, error)
        self.answer({"error": code, "message": sentence, "path": getattr(error, "path", ())})
