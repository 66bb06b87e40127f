"""Visits: a real kernel belongs to who opened the lab, knows no secret, and goes when nobody looks."""

import asyncio
import datetime as dt
from types import SimpleNamespace

import psutil
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from courses.tasks import REPORT_TOKEN
from hub.people import Role
from hub.visits import SECRET_PREFIXES, Visit, VisitAuthorizer, VisitKernelManager, kernel_environment, opening

VISIT = Visit("student01", Role.STUDENT, "physiology/01_nerve")
URL = "http://127.0.0.1:1/report"
names = st.one_of(
    st.text(min_size=1), st.tuples(st.sampled_from(SECRET_PREFIXES), st.text()).map("".join), st.just("PATH")
)


@given(st.dictionaries(names, st.text()))
def test_a_kernel_knows_no_secret_of_the_service(environment):
    made = kernel_environment(environment, VISIT.role, VISIT.lab, {"XINGLIN_CASES": "/cases"})
    own = {"XINGLIN_ROLE", "XINGLIN_LAB", "XINGLIN_CASES"}
    assert {name for name in made if name.startswith(SECRET_PREFIXES)} == own
    plain = {name: value for name, value in environment.items() if not name.startswith(SECRET_PREFIXES)}
    assert {name: value for name, value in made.items() if name not in own} == plain


def test_what_a_visit_is_comes_from_the_visit_whatever_else_says_so():
    made = kernel_environment({REPORT_TOKEN: "old"}, VISIT.role, VISIT.lab, {"XINGLIN_ROLE": "operator"})
    assert (made["XINGLIN_ROLE"], made["XINGLIN_LAB"]) == ("student", VISIT.lab)
    assert REPORT_TOKEN not in made


def test_tokens_are_never_shown_or_shared():
    assert VISIT.token not in repr(VISIT)
    assert Visit("student01", Role.STUDENT, "x").token != VISIT.token


@pytest.fixture
async def manager():
    made = VisitKernelManager(report_url=URL, kernel_extra={"XINGLIN_CASES": "/cases"})
    yield made
    await made.shutdown_all(now=True)


async def test_there_are_sockets_enough_for_a_full_house(manager):
    """Six for each of 200 labs; ZeroMQ's own default ends at 1,023."""
    opened = [manager.context.socket(zmq.SUB) for _ in range(6 * 200)]
    for socket in opened:
        socket.close(linger=0)


async def open_lab(manager, visit):
    opening.set(visit)
    return await manager.start_kernel(kernel_name="python3")


def quiet_for(manager, kernel_id, seconds, connections):
    manager._kernels[kernel_id].last_activity = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)
    manager._kernel_connections[kernel_id] = connections


async def test_a_kernel_of_a_visit(manager, monkeypatch):
    """One kernel for all of it: starting one takes a second."""
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of the service")
    first = await open_lab(manager, VISIT)
    process = psutil.Process(manager.get_kernel(first).provisioner.process.pid)
    seen = process.environ()
    assert "of the service" not in seen.values()
    assert (seen["XINGLIN_LAB"], seen["XINGLIN_CASES"], seen[REPORT_TOKEN]) == (VISIT.lab, "/cases", VISIT.token)

    assert manager.visit_by_token(VISIT.token) == VISIT
    for wrong in ("", VISIT.token[:-1], VISIT.token + "x", "é" * len(VISIT.token), "杏林"):
        assert manager.visit_by_token(wrong) is None

    authorizer = VisitAuthorizer()
    for path in ({"path_args": [first], "path_kwargs": {}}, {"path_args": [], "path_kwargs": {"kernel_id": first}}):
        handler = SimpleNamespace(kernel_manager=manager, **path)
        for user, resource, allowed in (
            ("student01", "kernels", True),
            ("student02", "kernels", False),
            ("operator01", "kernels", False),
            ("student01", "contents", False),
            ("student01", "terminals", False),
        ):
            person = SimpleNamespace(username=user)
            assert authorizer.is_authorized(handler, person, "execute", resource) == allowed, (user, resource)
    for arguments in ([], ["another"]):
        handler = SimpleNamespace(kernel_manager=manager, path_args=arguments, path_kwargs={})
        assert not authorizer.is_authorized(handler, SimpleNamespace(username="student01"), "read", "kernels")

    manager.closed_s, manager.idle_s = 60, 600
    for seconds, connections in ((50, 0), (590, 1)):
        quiet_for(manager, first, seconds, connections)
        await manager.cull_kernel_if_idle(first)
        assert first in manager
    quiet_for(manager, first, 70, 0)
    await manager.cull_kernel_if_idle(first)
    assert first not in manager
    assert manager.visit_by_token(VISIT.token) is None
    await asyncio.to_thread(process.wait, 10)


async def test_a_watched_kernel_goes_too_when_it_hears_nothing(manager):
    kernel = await open_lab(manager, VISIT)
    manager.idle_s = 600
    quiet_for(manager, kernel, 610, 1)
    await manager.cull_kernel_if_idle(kernel)
    assert kernel not in manager


async def test_no_kernel_starts_outside_a_visit(manager):
    import contextvars

    with pytest.raises(LookupError):
        await asyncio.create_task(manager.start_kernel(kernel_name="python3"), context=contextvars.Context())
    assert list(manager.list_kernel_ids()) == []
