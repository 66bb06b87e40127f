"""What open labs use: known to operators and to Prometheus, and to nobody else."""

import os
import re

import pytest

from hub.usage import memory_of
from tests.support.labs import opened


def test_an_operator_sees_how_many_labs_are_open_and_their_memory(platform):
    opened(platform, "student01")
    page = platform.session("operator01").get(f"{platform.url}/hub/home", timeout=20).text
    assert "打开的实验" in page
    assert re.search(r'id="open">[1-9]\d* <small>/ 200<', page)
    assert re.search(r"[1-9]\d* <small>MB<", page)


def test_prometheus_gets_the_figures_from_the_hub(platform):
    opened(platform, "student01")
    text = platform.session("operator01").get(f"{platform.url}/hub/metrics", timeout=20).text
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("xinglin_"))
    assert float(figures["xinglin_kernels"]) >= 1
    assert float(figures["xinglin_labs_waiting"]) == 0
    assert 10e6 < float(figures["xinglin_kernels_memory_bytes"]) < 10e9


@pytest.mark.parametrize("user", [None, "student01", "teacher01", "lead01"])
def test_nobody_else_gets_the_hubs_metrics(platform, user):
    assert platform.session(user).get(f"{platform.url}/hub/metrics", timeout=20).status_code == 403


@pytest.mark.parametrize("user", [None, "student01", "teacher01", "lead01", "operator01"])
@pytest.mark.parametrize("header", [{}, {"Authorization": "token "}, {"Authorization": "token guessed"}])
def test_the_services_own_figures_are_for_the_hub_alone(platform, user, header):
    answer = platform.session(user).get(f"{platform.url}/services/apps/usage", headers=header, timeout=20)
    assert answer.status_code == 403


def test_memory_of_processes():
    own = memory_of([os.getpid()])
    assert own > 10_000_000
    assert memory_of([os.getpid(), 2**22 + 1]) == pytest.approx(own, rel=0.1)
