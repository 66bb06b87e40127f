"""Where code is marked: which schedulers are taken, and what a batch is between machines."""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from exams.autograde import batch, machines
from exams.autograde.assignment import Assignment, Cell
from exams.autograde.cluster import HERE, Cluster
from exams.autograde.marker import Marked, Outcome
from exams.autograde.queue import Result, Submission, as_done
from exams.autograde.runner import UnavailableError
from hub.settings import SettingsError, load

FILES = {"tls_ca": "ca.pem", "tls_cert": "cert.pem", "tls_key": "key.pem"}


@pytest.mark.parametrize(
    "address",
    ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://10.0.0.5:1", "tcp://[::1]:8786", "tcp://192.168.1.9:80"],
)
def test_addresses_that_the_internet_does_not_reach(address: str) -> None:
    assert Cluster(address).problem == ""
    assert not Cluster(address).secure


@pytest.mark.parametrize(
    "address", ["tcp://8.8.8.8:8786", "tcp://0.0.0.0:8786", "tcp://mark.example:8786", "tcp://[2001:4860::1]:1"]
)
def test_others_only_with_certificates(address: str) -> None:
    assert "only as tls://" in Cluster(address).problem
    secure = address.replace("tcp", "tls")
    assert Cluster(secure, **FILES).problem == ""
    for name in FILES:
        assert Cluster(secure, **(FILES | {name: ""})).problem.startswith(f"{name} must name a file")


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.5:8786",
        "http://10.0.0.5:8786",
        "tcp://10.0.0.5",
        "tcp://:8786",
        "tcp://10.0.0.5:x",
        "tcp://10.0.0.5:1/a",
    ],
)
def test_what_is_no_address(address: str) -> None:
    assert "must be such as" in Cluster(address).problem


def test_the_setting(tmp_path: Path) -> None:
    environment = {"XINGLIN_HOME": str(tmp_path)}
    assert load(environment).marking == HERE
    own = tmp_path / "xinglin.toml"
    own.write_text('[marking]\nscheduler = "tcp://10.0.0.5:8786"\n')
    assert load(environment).marking == Cluster("tcp://10.0.0.5:8786")
    own.write_text('[marking]\nscheduler = "tcp://8.8.8.8:8786"\n')
    with pytest.raises(SettingsError, match=r"\[marking\] scheduler may be tcp://8.8.8.8:8786 only as tls://"):
        load(environment)


def test_every_connection_shows_the_certificate() -> None:
    made = machines.security(Cluster("tls://mark.example:8786", **FILES))
    assert made.require_encryption
    assert made.tls_ca_file == "ca.pem"  # type: ignore[attr-defined]  # set by name
    for role in ("client", "scheduler", "worker"):
        assert (getattr(made, f"tls_{role}_cert"), getattr(made, f"tls_{role}_key")) == ("cert.pem", "key.pem")


def test_batches_are_cut_by_number_and_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "BATCH", 3)
    monkeypatch.setattr(machines, "BATCH_BYTES", 10)
    sizes = [1, 1, 1, 1, 9, 8, 30, 2]
    made = machines.batches(Submission(str(size), {"a": "x" * size}) for size in sizes)
    assert [[int(one.name) for one in own] for own in made] == [[1, 1, 1], [1, 9], [8], [30], [2]]
    assert list(machines.batches([])) == []


def test_a_batch_of_another_version_is_refused() -> None:
    asked = json.loads(batch.request({"a": Assignment((Cell("t", "code", "f()", grade=True),))}, []))
    with pytest.raises(UnavailableError, match="another version"):
        batch.Home([]).mark(json.dumps({**asked, "version": "other"}).encode())


def test_a_result_is_the_same_after_its_way() -> None:
    notebook = new_notebook(cells=[new_code_cell("f(1)", metadata={"nbgrader": {"grade_id": "t"}})])
    outputs = [{"output_type": "stream", "name": "stdout", "text": "你好\n"}]
    marked = Marked(notebook, {"t": Outcome(1.5, "Partly correct.", 2, "x")}, {0: {"outputs": outputs}})
    for result in (Result("s1", {"a": marked}), Result("s1", failed="ValueError: x")):
        assert batch.results(json.dumps({"s1": batch._plain(result)}).encode()) == {"s1": result}


async def test_work_is_taken_as_there_is_room() -> None:
    taken, gates = [], [asyncio.Event() for _ in range(4)]

    async def one(number: int) -> int:
        await gates[number].wait()
        return number

    def work() -> Iterator[Coroutine[None, None, int]]:
        for number in range(4):
            taken.append(number)
            yield one(number)

    done = as_done(work(), lambda: 2)
    first = asyncio.create_task(anext(done))
    gates[1].set()
    assert await first == 1
    assert taken == [0, 1]
    for gate in gates:
        gate.set()
    assert sorted([number async for number in done]) == [0, 2, 3]
    assert taken == [0, 1, 2, 3]
