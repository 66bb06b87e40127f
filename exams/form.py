"""A form 试卷: the items of one exam paper, in order, with their keys. It stays on the server."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from exams.documents import Document, DocumentError, Fields
from exams.items import Item, groups_of, parse_items


@dataclass(frozen=True)
class Form:
    """Form `id` (A, B, ...) of the exam `exam`."""

    id: str
    exam: str
    items: tuple[Item, ...]

    @property
    def maximum(self) -> float:
        """The points of all items together."""
        return sum(item.points for item in self.items)

    def item(self, item_id: str) -> Item:
        """The item `item_id`. Raises KeyError where the form has none."""
        for item in self.items:
            if item.id == item_id:
                return item
        raise KeyError(item_id)

    def text(self) -> str:
        """The form, keys and all, as JSON."""
        plain = {
            "id": self.id,
            "exam": self.exam,
            "groups": [group.document() for group in groups_of(self.items)],
            "items": [item.document() for item in self.items],
        }
        return json.dumps(plain, ensure_ascii=False, indent=1)

    def save(self, path: Path) -> None:
        """Write the form, keys and all, readable by this user only; a reader never sees half a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".part")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(self.text())
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Form:
        """The form in `path`. Raises DocumentError where the file is missing or not a form."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise DocumentError(f"The form cannot be read ({error}).", (), str(path)) from error
        return cls.parse(text, path)

    @classmethod
    def parse(cls, text: str, path: Path) -> Form:
        """The form that `text` is, which stood in `path`. Raises DocumentError."""
        try:
            document = Document(path.name, json.loads(text))
        except ValueError as error:
            raise DocumentError(f"The form cannot be read ({error}).", (), str(path)) from error
        try:
            fields = Fields(document.data)
            form = cls(fields.text("id"), fields.text("exam"), parse_items(fields))
            fields.done()
        except DocumentError as error:
            raise document.located(error) from error
        return form
