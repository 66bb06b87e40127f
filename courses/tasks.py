"""Tasks: what a lab asks for, checks at once and reports.

A lab shows one `TaskCard` a task. Its check returns a `Verdict`; the card shows it and reports it to the platform,
which knows from the kernel's own token who is working in which lab. Outside the platform (JupyterLab, tests) nothing
is reported and the card says so.
"""

from __future__ import annotations

import html
import http.client
import json
import os
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets

REPORT_TIMEOUT_S = 5.0
REPORT_URL = "XINGLIN_REPORT_URL"
REPORT_TOKEN = "XINGLIN_REPORT_TOKEN"  # noqa: S105 - the name of a variable, not its value


class ReportError(RuntimeError):
    """A result that could not be kept."""


@dataclass(frozen=True)
class Verdict:
    """What a check found: right or not, the sentence that says why, and the answer it judged."""

    correct: bool
    message: str
    response: object = None


def within(value: float, expected: float, tolerance: float, unit: str = "", *, why: str) -> Verdict:
    """Judge a measured `value` against `expected` ± `tolerance` (all in `unit`); `why` explains the expected value."""
    value = float(value)  # a number of NumPy could not be reported
    correct = abs(value - float(expected)) <= tolerance
    span = f"{expected:g} ± {tolerance:g} {unit}".strip()
    measured = f"{value:.4g} {unit}".strip()
    if correct:
        message = f"正确。您测得 {measured}，在允许范围 {span} 内。{why}"
    else:
        message = f"还不对。您测得 {measured}，允许范围是 {span}。{why}"
    return Verdict(correct, message, value)


def report(task_id: str, verdict: Verdict, environment: Mapping[str, str] = os.environ) -> bool:
    """Hand a result to the platform; False where this kernel does not run under it. Raises ReportError on failure."""
    url, token = environment.get(REPORT_URL), environment.get(REPORT_TOKEN)
    if not url or not token:
        return False
    body = json.dumps({"task": task_id, "success": verdict.correct, "response": verdict.response}).encode()
    request = urllib.request.Request(  # noqa: S310 - the address is the platform's own
        url, body, {"Authorization": f"token {token}", "Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=REPORT_TIMEOUT_S):  # noqa: S310
            return True
    except (OSError, http.client.HTTPException) as error:
        raise ReportError(str(error)) from error


class TaskCard(ipywidgets.VBox):  # type: ignore[misc]
    """One task: its number and prompt, what the student works with, a button 提交 and the verdict."""

    def __init__(
        self,
        task_id: str,
        title: str,
        prompt: str,
        check: Callable[[], Verdict],
        *content: ipywidgets.Widget,
        button: str = "提交",
        **options: Any,
    ) -> None:
        """`check` judges the present state of `content` (widgets shown between prompt and button)."""
        self.task_id = task_id
        self.title = title
        self.verdict: Verdict | None = None
        self._check = check
        self._button = ipywidgets.Button(description=button, button_style="primary")
        self._button.on_click(lambda _: self.submit())
        self._result = ipywidgets.HTML()
        self._result.add_class("xl-verdict")
        heading = ipywidgets.HTML(f"<h3>{html.escape(title)}</h3><p>{prompt}</p>")
        super().__init__([heading, *content, self._button, self._result], **options)
        self.add_class("xl-task")

    def submit(self) -> None:
        """Check, show the verdict and report it."""
        self.verdict = verdict = self._check()
        note = ""
        try:
            if not report(self.task_id, verdict):
                note = "（练习模式：结果不计入学习记录。）"
        except ReportError:
            note = "<strong>结果未能保存，请稍后再点一次“提交”。</strong>"
        state = "right" if verdict.correct else "wrong"
        mark = "✓" if verdict.correct else "✗"
        self._result.value = (
            f'<div role="status" class="xl-{state}"><b>{mark}</b> {html.escape(verdict.message)}{note}</div>'
        )
        for state_name in ("right", "wrong"):
            self.remove_class(f"xl-task-{state_name}")
        self.add_class(f"xl-task-{state}")


class Evaluation(ipywidgets.VBox):  # type: ignore[misc]
    """评价任务: how many of the lab's tasks are done, each with its last verdict."""

    def __init__(self, *cards: TaskCard) -> None:
        self._cards = cards
        self._table = ipywidgets.HTML()
        refresh = ipywidgets.Button(description="查看本次小结")
        refresh.on_click(lambda _: self.refresh())
        super().__init__([refresh, self._table])
        self.add_class("xl-evaluation")

    def refresh(self) -> None:
        """Show the present state of every card."""
        rows = "".join(f"<tr><td>{html.escape(card.title)}</td><td>{_state(card)}</td></tr>" for card in self._cards)
        done = sum(bool(card.verdict and card.verdict.correct) for card in self._cards)
        self._table.value = (
            f"<p>已完成 {done} / {len(self._cards)} 项任务。</p>"
            f"<table><thead><tr><th>任务</th><th>结果</th></tr></thead><tbody>{rows}</tbody></table>"
        )


def _state(card: TaskCard) -> str:
    if card.verdict is None:
        return "未提交"
    return "✓ 正确" if card.verdict.correct else "✗ 再试一次"
