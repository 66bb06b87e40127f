"""Admission tickets 准考证: the code on each lets one candidate into one exam, without the hub.

Thousands of password logins would cost the hub minutes of hashing at the worst moment. A code is 12 random signs, 59
bits, so that one keyed hash keeps it as well as a slow one would; it opens nothing when the exam is over.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exams.documents import DocumentError

FILE = "tickets.json"
SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0, 1, I, L and O, which look like others."""
LENGTH, PART = 12, 4


def new_code() -> str:
    """A code that nobody can guess."""
    return "".join(secrets.choice(SIGNS) for _ in range(LENGTH))


def normal(code: str) -> str:
    """A code as it is kept, whatever case, spaces and dashes it was typed with."""
    return "".join(sign for sign in code.upper() if sign.isalnum())


def printed(code: str) -> str:
    """A code as it is read and typed: ABCD-EFGH-JKMN."""
    return "-".join(code[start : start + PART] for start in range(0, len(code), PART))


@dataclass(frozen=True)
class Tickets:
    """The hashes of an exam's codes by candidate number."""

    key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    hashes: Mapping[str, str] = field(default_factory=dict, repr=False)

    def _hash(self, number: str, code: str) -> str:
        return hmac.new(bytes.fromhex(self.key), f"{number}/{normal(code)}".encode(), hashlib.sha256).hexdigest()

    def issued(self, numbers: Iterable[str]) -> tuple[Tickets, dict[str, str]]:
        """With new codes for `numbers`, whose old ones open nothing any more; and the codes, which are kept nowhere."""
        codes = {number: new_code() for number in numbers}
        hashes = {number: self._hash(number, code) for number, code in codes.items()}
        return Tickets(self.key, {**self.hashes, **hashes}), codes

    def opens(self, number: str, code: str) -> bool:
        """Whether `code` is the candidate's."""
        return hmac.compare_digest(self.hashes.get(number, ""), self._hash(number, code))

    def save(self, folder: Path) -> None:
        """Keep them with the exam in `folder`, readable by this user only."""
        draft = folder / f"{FILE}.part"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            json.dump({"key": self.key, "hashes": dict(self.hashes)}, file)
        draft.replace(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Tickets:
        """Those of the exam in `folder`; of an exam without tickets, none. Raises DocumentError."""
        path = folder / FILE
        try:
            data = json.loads(path.read_text("ascii"))
            return cls(data["key"], data["hashes"])
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DocumentError(f"The tickets cannot be read ({error!r}).", (), str(path)) from error


class RoomCodes:
    """The code of each room of an exam, which an invigilator tells those who sit there.

    It says that somebody is in the room, not who they are, so it may be short: tries are limited.
    """

    LENGTH = 6

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def of(self, exam: str, room: str) -> str:
        """The code of a room."""
        digest = hmac.new(self._key, f"room/{exam}/{room}".encode(), hashlib.sha256).digest()
        return "".join(SIGNS[byte % len(SIGNS)] for byte in digest[: self.LENGTH])

    def right(self, exam: str, room: str, code: str) -> bool:
        """Whether `code` is the room's."""
        return hmac.compare_digest(self.of(exam, room).encode(), normal(code).encode())
