"""Simulations over live kernels: from the exam room's request to the pool, and what happens when a kernel dies."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from typing import Any

import psutil
import pytest

from courses.simulations import SIMULATIONS
from exams.items import load_bank
from exams.marking import mark
from exams.simulator import BusyError, Simulator, UnavailableError
from exams.sitting import SittingStore
from hub.simulations import Pool, RefusedError, Runner
from tests.support.exam_client import Client, change
from tests.support.exam_host import BANK, CANDIDATES, Process, own_name, store_url
from tests.support.narrowing import present
from tests.support.platform import until
from tests.support.ports import free_port

NERVE = SIMULATIONS["nerve"]
VALUES = {"strength": 30.0, "duration": 0.5}
EXPECTED = NERVE.run(NERVE.values(VALUES))


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    running = Process(tmp_path_factory.mktemp("simulations"), free_port())
    yield running
    running.stop()


@pytest.fixture
def entered(process, request):
    """A candidate in the room, with the id of the item that has an experiment."""
    process.furnish(own_name(request))
    client = Client(process, "student01")
    items = client.enter().json()["items"]
    return client, next(item for item in items if (item["asset"] or {}).get("kind") == "simulation")


def run(client, item, **values):
    return client.write(f"{client.service.exam}/items/{item['id']}/runs", values=values)


def pool_kernels(process):
    """The kernels of the pool: the processes below the parent of kernels that the service's simulations started."""
    found = list(psutil.Process(process.process.pid).children(recursive=True))
    parents = [child for child in found if "hub.kernels" in child.cmdline()]
    return [kernel for parent in parents for kernel in parent.children()]


def test_a_candidate_experiments_and_what_was_tried_is_kept(process, entered):
    client, item = entered
    bank = {one.id: one for one in load_bank(BANK.parent / "physiology")}
    own = bank[item["id"]]
    controls = {one["id"]: one for one in item["asset"]["controls"]}
    assert controls.keys() == set(present(own.asset)["controls"])
    low, high = 0.0, 20.0
    while high - low > 0.1:  # as a candidate would: halve the interval until it is a step
        middle = round((low + high) / 2, 1)
        told = run(client, item, strength=middle, duration=10).json()["run"]
        assert len(told["x"]) == len(told["y"]) > 500
        low, high = (low, middle) if max(told["y"]) > 50 else (middle, high)
        if high - low < 0.15:
            break
    assert mark(own, f"{high:.1f}").points == own.points
    store = SittingStore(store_url(process.home))
    try:
        assert store.verify() is None
        tried: list[Mapping[str, Any]] = [entry.detail for entry in store.audit(process.exam) if entry.act == "tried"]
    finally:
        store.close()
    assert len(tried) >= 5
    assert {entry["number"] for entry in tried} == {CANDIDATES[0].number}
    assert {entry["item"] for entry in tried} == {item["id"]}
    assert all(entry["values"]["duration"] == 10 for entry in tried)


def test_kernels_get_ready_while_candidates_wait(process):
    process.stop()
    process.furnish("waiting")  # a service that has simulated nothing yet
    Client(process, "student01").own()
    until(lambda: pool_kernels(process), 30, "kernels of the pool")


def test_what_the_model_is_set_to_reaches_no_browser(process, entered):
    client, item = entered
    told = run(client, item, strength=20, duration=1).json()
    assert told.keys() == {"now", "run", "labels"}
    assert told["run"].keys() == {"x", "y", "bands"}
    assert item["asset"].keys() == {"kind", "controls", "x_axis", "y_axis"}
    for secret in ("celsius", "14.3", '"set"', "nerve"):
        assert secret not in json.dumps(item)


@pytest.mark.parametrize(
    "values",
    [
        {"strength": 20},
        {"strength": 20, "duration": 1, "celsius": 20},
        {"strength": 81, "duration": 1},
        {"strength": -1, "duration": 1},
        {"strength": "20", "duration": 1},
        {"strength": True, "duration": 1},
        {"strength": None, "duration": 1},
        {"strength": 1e308, "duration": 1},
    ],
    ids=["one", "set", "high", "low", "text", "true", "none", "huge"],
)
def test_other_numbers_are_refused(process, entered, values):
    client, item = entered
    assert run(client, item, **values).status_code == 400


def test_an_item_without_an_experiment_has_none(process, entered):
    client, _ = entered
    other = next(item for item in client.enter().json()["items"] if item["asset"] is None)
    assert run(client, other, strength=20, duration=1).status_code == 404


def test_after_handing_in_nothing_is_run(process, entered):
    client, item = entered
    client.submit(0)
    refused = run(client, item, strength=20, duration=1)
    assert (refused.status_code, refused.json()["error"]) == (409, "closed")


def test_killed_kernels_and_a_killed_pool_are_replaced_and_the_rest_of_the_room_goes_on(process, entered):
    client, item = entered
    before = run(client, item, strength=20, duration=1).json()["run"]
    for kernel in until(lambda: pool_kernels(process), 20, "kernels of the pool"):
        kernel.kill()
    assert client.save(change(1, item["id"], "4.0")).status_code == 200
    answer = until(
        lambda: (again := run(client, item, strength=20, duration=1)).status_code == 200 and again, 60, "a run again"
    )
    assert answer.json()["run"] == before
    (pool,) = [child for child in psutil.Process(process.process.pid).children() if "simulate" in child.cmdline()]
    pool.kill()
    pool.wait()
    answer = until(
        lambda: (again := run(client, item, strength=20, duration=1)).status_code == 200 and again, 60, "a run again"
    )
    assert answer.json()["run"] == before
    assert {one["item"]: one["value"] for one in client.enter().json()["latest"]} == {item["id"]: "4.0"}


async def test_a_kernel_killed_in_the_middle_of_a_run_costs_nobody_the_run(monkeypatch):
    pool = Pool(1)
    pool.start()
    try:
        assert await pool.run("nerve", VALUES) == EXPECTED
        lost: list[int] = []
        stock = Runner._reply

        async def reply(self, asked):
            if not lost:  # the request is out, the answer is not in: now the kernel goes
                lost.append(self.pid)
                os.kill(self.pid, signal.SIGKILL)
                await asyncio.sleep(0)
                asked = "an answer that never comes"
            return await stock(self, asked)

        monkeypatch.setattr(Runner, "_reply", reply)
        assert await pool.run("nerve", VALUES) == EXPECTED
        assert len(lost) == 1
    finally:
        await pool.close()


async def test_many_wait_in_line_for_one_kernel_and_all_are_served():
    pool = Pool(1)
    pool.start()
    try:
        strengths = [float(strength) for strength in range(20)]
        runs = await asyncio.gather(*(pool.run("nerve", VALUES | {"strength": one}) for one in strengths))
        assert runs == [NERVE.run(NERVE.values(VALUES | {"strength": one})) for one in strengths]
        with pytest.raises(RefusedError):
            await pool.run("nerve", {"strength": 1e9})
        assert await pool.run("nerve", VALUES) == EXPECTED
    finally:
        await pool.close()


async def test_without_a_pool_a_run_is_unavailable_at_once():
    simulate = Simulator(["/bin/false"])
    with pytest.raises(UnavailableError):
        await simulate("nerve", VALUES)
    await simulate.close()
    with pytest.raises(UnavailableError):
        await Simulator(["/no/such/program"])("nerve", VALUES)


async def test_the_line_has_an_end(monkeypatch):
    monkeypatch.setattr("exams.simulator.MOST_WAITING", 2)
    simulate = Simulator(["sleep", "60"])  # it never answers
    monkeypatch.setattr("exams.simulator.LONGEST_S", 0.5)
    waiting = [asyncio.create_task(simulate("nerve", VALUES)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await simulate("nerve", VALUES)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [UnavailableError] * 2
    await simulate.close()
