"""Secrets on disk: random tokens that outlive a restart, each in its own file of mode 0600 in a folder of mode 0700."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

TOKEN_BYTES = 32


def token(folder: Path, name: str) -> str:
    """The token `name` in `folder`, made where it does not exist yet."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / name
    if not file.exists():
        write_private(file, secrets.token_hex(TOKEN_BYTES))
    return file.read_text("ascii")


def write_private(file: Path, text: str) -> None:
    """Write `file` whole or not at all, readable by its owner alone from the first byte."""
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
