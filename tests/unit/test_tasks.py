"""Task cards: what a check says, what is reported to a real server, what the card shows."""

import http.server
import json
import threading
from contextlib import contextmanager
from typing import Any

import ipywidgets
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from courses import tasks
from courses.tasks import REPORT_TOKEN, REPORT_URL, Evaluation, ReportError, TaskCard, Verdict, report, within

numbers = st.floats(-1e6, 1e6)


@given(numbers, numbers, st.floats(0, 1e3))
def test_within_is_a_distance_of_at_most_the_tolerance(value, expected, tolerance):
    assume(abs(abs(value - expected) - tolerance) > 1e-6)
    verdict = within(value, expected, tolerance, "mm", why="因为")
    assert verdict.correct == (abs(value - expected) < tolerance)
    assert verdict.response == value
    assert verdict.message.startswith("正确" if verdict.correct else "还不对")
    assert verdict.message.endswith("因为")


def test_the_edge_is_within():
    assert within(3.0, 2.5, 0.5, why="").correct
    assert within(2.0, 2.5, 0.5, why="").correct


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_not_within(value):
    assert not within(value, 0, 1e300, why="").correct


def test_the_message_says_what_was_measured_and_what_is_allowed():
    message = within(13.0, 13.5, 0.3, "μA/cm²", why="理由。").message
    assert message == "还不对。您测得 13 μA/cm²，允许范围是 13.5 ± 0.3 μA/cm²。理由。"


@pytest.mark.parametrize("kind", [int, np.int64, np.float32, np.float64, np.array])
def test_a_number_of_any_kind_can_be_reported(kind):
    verdict = within(kind(2), kind(2), 0.5, why="")
    assert verdict.correct is True
    assert json.loads(json.dumps([verdict.correct, verdict.response])) == [True, 2.0]


class Platform(http.server.ThreadingHTTPServer):
    """Answers reports with `status` (None: with nonsense)."""

    def __init__(self, status: int | None) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.status = status
        self.received: list[tuple[str, str | None, Any]] = []


class Receiver(http.server.BaseHTTPRequestHandler):
    server: Platform

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers["Authorization"], json.loads(body)))
        if self.server.status is None:
            self.wfile.write(b"this is not HTTP\r\n\r\n")
            return
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_arguments):
        pass


@contextmanager
def platform(status):
    """A server in a thread of its own."""
    with Platform(status) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def environment(server):
    return {REPORT_URL: f"http://127.0.0.1:{server.server_address[1]}/report", REPORT_TOKEN: "of-the-kernel"}


def test_a_result_is_reported_with_the_kernels_token():
    with platform(204) as server:
        assert report("threshold", Verdict(False, "no", ["甲", 1.5]), environment(server))
    body = {"task": "threshold", "success": False, "response": ["甲", 1.5]}
    assert server.received == [("/report", "token of-the-kernel", body)]


@pytest.mark.parametrize("known", [{}, {REPORT_URL: "http://127.0.0.1:1/"}, {REPORT_TOKEN: "x"}])
def test_outside_the_platform_nothing_is_reported(known):
    assert report("threshold", Verdict(True, ""), known) is False


@pytest.mark.parametrize("status", [400, 403, 500, None])
def test_a_report_that_is_refused_is_an_error(status):
    with platform(status) as server, pytest.raises(ReportError):
        report("threshold", Verdict(True, ""), environment(server))


def test_a_report_that_nobody_hears_is_an_error():
    with platform(204) as server:
        gone = environment(server)
    with pytest.raises(ReportError):
        report("threshold", Verdict(True, ""), gone)


class Card:
    """A card whose check says what `verdict` holds."""

    def __init__(self):
        self.verdict = Verdict(False, "太<小>", 1)
        self.card = TaskCard("t", "任务 <1>", "请<b>测量</b>。", lambda: self.verdict, ipywidgets.FloatText())

    def press(self):
        button = next(child for child in self.card.children if isinstance(child, ipywidgets.Button))
        button.click()

    @property
    def shown(self):
        return self.card.children[-1].value


@pytest.fixture
def card(monkeypatch):
    for name in (REPORT_URL, REPORT_TOKEN):
        monkeypatch.delenv(name, raising=False)
    return Card()


def test_before_it_is_handed_in_a_card_says_nothing(card):
    assert card.shown == ""
    assert "任务 &lt;1&gt;" in card.card.children[0].value
    assert "<b>测量</b>" in card.card.children[0].value


def test_a_card_shows_the_last_verdict_alone(card):
    card.press()
    assert "太&lt;小&gt;" in card.shown
    assert "✗" in card.shown
    assert "xl-task-wrong" in card.card._dom_classes
    card.verdict = Verdict(True, "好")
    card.press()
    assert "✓" in card.shown
    assert "太" not in card.shown
    assert "xl-task-right" in card.card._dom_classes
    assert "xl-task-wrong" not in card.card._dom_classes
    assert 'role="status"' in card.shown  # read aloud where a screen reader runs


def test_a_card_outside_the_platform_says_that_nothing_is_kept(card):
    card.press()
    assert "练习模式" in card.shown


def test_a_card_says_when_its_result_could_not_be_kept(card, monkeypatch):
    with platform(500) as server:
        monkeypatch.setattr(tasks, "report", lambda task, verdict: report(task, verdict, environment(server)))
        card.press()
        assert "结果未能保存" in card.shown
        assert "练习模式" not in card.shown
        server.status = 204
        card.press()
    assert "结果未能保存" not in card.shown
    assert len(server.received) == 2


def test_the_evaluation_counts_what_is_right_now(card):
    other = Card()
    evaluation = Evaluation(card.card, other.card)
    table = evaluation.children[-1]
    evaluation.refresh()
    assert "0 / 2" in table.value
    assert table.value.count("未提交") == 2
    card.verdict = Verdict(True, "")
    card.press()
    other.press()
    evaluation.children[0].click()
    assert "1 / 2" in table.value
    assert table.value.count("再试一次") == 1
    assert "任务 &lt;1&gt;" in table.value
