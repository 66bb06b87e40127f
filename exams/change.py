"""What can be asked of a sitting, as data, and how it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exams.response import Response
from exams.timing import Allowance


class RefusedError(Exception):
    """The rules do not allow a change; `code` says which rule, for the browser and the tests."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


CLOSED, NOT_ENTERED, TAKEN_OVER, CONFLICT, INCOMPLETE = "closed", "not_entered", "taken_over", "conflict", "incomplete"
ELSEWHERE, PAUSED = "elsewhere", "paused"


@dataclass(frozen=True)
class Origin:
    """Where somebody comes from: a name that this browser keeps, its network address, and what it says that it is."""

    device: str
    address: str
    agent: str


@dataclass(frozen=True)
class Enter:
    """Open a sitting or enter it again, and take its seat."""

    at_ms: int
    exam: str
    number: str
    actor: str
    form: str
    seed: int
    allowance: Allowance
    seat: str
    origin: Origin


@dataclass(frozen=True)
class Save:
    """Append responses."""

    at_ms: int
    exam: str
    number: str
    seat: str
    responses: tuple[Response, ...]


@dataclass(frozen=True)
class Submit:
    """Close a sitting."""

    at_ms: int
    exam: str
    number: str
    actor: str
    seat: str
    sequence: int


@dataclass(frozen=True)
class Force:
    """Close a sitting on the word of those who watch over the exam."""

    at_ms: int
    exam: str
    number: str
    actor: str
    reason: str


@dataclass(frozen=True)
class Credit:
    """Give time back to one candidate, or to all of an exam who have not submitted."""

    at_ms: int
    exam: str
    actor: str
    seconds: int
    reason: str
    number: str | None


@dataclass(frozen=True)
class Note:
    """Write into the audit log only."""

    at_ms: int
    exam: str
    actor: str
    act: str
    detail: Mapping[str, object]
