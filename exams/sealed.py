"""Sealed papers 密封试卷: a form is kept encrypted until its exam opens, so that no copy of the files gives it away.

AES-256-GCM (NIST SP 800-38D) under a key drawn for the exam; exam and form are authenticated with it. The key lies
apart from the papers, under `secrets/papers/`, and the paper opens by itself when it is time; or the group lead alone
holds it and gives it at the desk, and until then nobody on the server can read the paper either.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exams.documents import DocumentError
from exams.form import Form
from exams.tickets import SIGNS, normal

if TYPE_CHECKING:
    from exams.exam import Exam

SUFFIX = ".sealed"
KEY_SIGNS, NONCE_BYTES = 28, 12
"""28 signs of 31 are 138 bits: a key that is hashed and not stretched."""


class SealedError(DocumentError):
    """The paper cannot be read yet."""


def new_key() -> str:
    """A key as people write it down."""
    return "".join(secrets.choice(SIGNS) for _ in range(KEY_SIGNS))


def path_of(exam: Exam, form: str) -> Path:
    """Where a sealed form of `exam` lies."""
    return exam.folder / f"{form}{SUFFIX}"


def key_path(exam: Exam) -> Path:
    """Where the key of an exam lies, once it is given."""
    return exam.folder.parent.parent / "secrets" / "papers" / f"{exam.id}.key"


def seal(exam: Exam, form: Form, key: str) -> None:
    """Keep `form` with `exam`, sealed; that it has so many items is no secret."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    text = _cipher(key).encrypt(nonce, form.text().encode(), _about(exam, form.id))
    plain = {"items": len(form.items), "nonce": _ascii(nonce), "text": _ascii(text)}
    path_of(exam, form.id).write_text(json.dumps(plain), encoding="ascii")


def size(exam: Exam, form: str) -> int:
    """How many items a sealed form has."""
    items: int = _read(exam, form)["items"]
    return items


def opened(exam: Exam, form: str) -> Form:
    """A sealed form, in memory only. Raises SealedError before the exam opens and while nobody has given the key."""
    if datetime.now(UTC) < exam.opens:
        raise SealedError(f"The paper of {exam.id} is sealed until the exam opens.")
    try:
        key = key_path(exam).read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise SealedError(f"The paper of {exam.id} is sealed, and its key has not been given.") from error
    return _opened(exam, form, key)


def waiting(exam: Exam) -> bool:
    """Whether the exam has sealed papers whose key has not been given."""
    return any(path_of(exam, form).exists() for form in exam.forms) and not key_path(exam).exists()


def give_key(exam: Exam, key: str) -> None:
    """Keep the key of an exam, so that its papers open when it does. Raises SealedError where it does not fit."""
    key = normal(key)
    for form in exam.forms:
        if path_of(exam, form).exists():
            _opened(exam, form, key)
    path = key_path(exam)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".part")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(key)
    draft.replace(path)


def _opened(exam: Exam, form: str, key: str) -> Form:
    plain = _read(exam, form)
    nonce, text = (base64.b64decode(plain[name]) for name in ("nonce", "text"))
    try:
        return Form.parse(_cipher(key).decrypt(nonce, text, _about(exam, form)).decode(), path_of(exam, form))
    except InvalidTag as error:
        raise SealedError(f"The key does not open form {form} of {exam.id}, or the file was altered.") from error


def _read(exam: Exam, form: str) -> dict[str, Any]:
    path = path_of(exam, form)
    try:
        plain: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise DocumentError(f"The sealed form cannot be read ({error}).", (), str(path)) from error
    return plain


def _cipher(key: str) -> AESGCM:
    return AESGCM(hashlib.sha256(key.encode()).digest())


def _about(exam: Exam, form: str) -> bytes:
    return f"{exam.id}/{form}".encode()


def _ascii(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
