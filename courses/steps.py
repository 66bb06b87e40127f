"""The task flow beside a picture: one pane at a time, so that question, picture and answer are on one screen.

设计任务 (the question) -> 呈现任务 (picture and tools) -> 完成任务 (each task) -> 评价任务 (how it went).
"""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets


class Steps(ipywidgets.VBox):  # type: ignore[misc]
    """Panes with a row of buttons to jump, and one to go on.

    Steps([("设计任务", intro), ("任务 1", card), ("评价任务", Evaluation(card))])
    """

    def __init__(self, panes: Sequence[tuple[str, ipywidgets.Widget]]) -> None:
        self._stack = ipywidgets.Stack([pane for _, pane in panes], selected_index=0)
        self._stack.layout.margin = "0 0 12px"
        self._buttons = [ipywidgets.Button(description=name) for name, _ in panes]
        for index, button in enumerate(self._buttons):
            button.layout.width, button.layout.padding = "auto", "0 10px"
            button.on_click(lambda _, index=index: self.show(index))
        self._next = ipywidgets.Button(description="下一步 →")
        self._next.on_click(lambda _: self.show(self._stack.selected_index + 1))
        row = ipywidgets.HBox(self._buttons)
        row.layout.flex_flow = "row wrap"
        super().__init__([row, self._stack, self._next])
        self.add_class("xl-steps")
        self.show(0)

    def show(self, index: int) -> None:
        """Show pane `index` (from 0; beyond the last stays at the last)."""
        chosen = min(index, len(self._buttons) - 1)
        self._stack.selected_index = chosen
        for place, button in enumerate(self._buttons):
            button.button_style = "primary" if place == chosen else ""
        self._next.layout.visibility = "hidden" if chosen == len(self._buttons) - 1 else "visible"
