"""The demo's accounts on disk: `$XINGLIN_HOME/demo-accounts.json`, for its owner's eyes alone."""

from __future__ import annotations

import json
from pathlib import Path

from hub.people import Person
from hub.secrets import write_private


def accounts_file(home: Path) -> Path:
    """Where the demo's accounts stand while the demo does."""
    return home / "demo-accounts.json"


def write_accounts(home: Path, people: list[Person], passwords: dict[str, str]) -> None:
    """Write the accounts as a list of {"name", "password", "role", "school"}."""
    rows = [
        {"name": person.user, "password": passwords[person.user], "role": person.role, "school": person.school}
        for person in people
    ]
    write_private(accounts_file(home), json.dumps(rows, ensure_ascii=False, indent=2) + "\n")


def read_accounts(home: Path) -> list[dict[str, str]]:
    """The accounts as written."""
    accounts: list[dict[str, str]] = json.loads(accounts_file(home).read_text("utf-8"))
    return accounts
