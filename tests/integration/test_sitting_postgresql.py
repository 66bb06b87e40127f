"""The sitting store on PostgreSQL: several processes write one chain; whatever dies, nothing acknowledged is lost."""

import os
import signal
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from hypothesis import given

from exams import audit, listening, sitting_changes
from exams.database import DatabaseError, connect
from exams.response import Response
from exams.sitting import SittingStore
from tests.support.changes import ALLOWANCE, BATCHES, emptied, plain
from tests.support.exam_host import CANDIDATES, ROOT, Process, furnish
from tests.support.platform import until
from tests.support.ports import free_port
from tests.support.properties import examples
from tests.support.sitting_writer import HERE, SEAT


@pytest.fixture
def store(database):
    made = SittingStore(database)
    yield made
    made.close()


def writer(url, name, candidates, rounds):
    command = [sys.executable, "-m", "tests.support.sitting_writer", url, name, str(candidates), str(rounds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def acknowledged(lines):
    return {(number, int(sequence)) for number, sequence in map(str.split, lines)}


def held(store):
    """(candidate number, sequence) to how often it is there."""
    return Counter((own.number, response.sequence) for own in store.sittings("e") for response in store.log(own))


def test_two_processes_write_one_chain_and_each_response_once(database, store):
    writers = [writer(database, name, 20, 15) for name in ("left", "right")]
    told = [own.communicate(timeout=60)[0].splitlines()[1:] for own in writers]
    assert [own.returncode for own in writers] == [0, 0]
    assert store.verify() is None
    everything = {
        (f"{name}{at}", sequence) for name in ("left", "right") for at in range(20) for sequence in range(1, 16)
    }
    assert acknowledged(told[0] + told[1]) == everything
    assert held(store) == Counter(everything)
    saved = [entry for entry in store.audit("e") if entry.act == "saved"]
    turns = [entry.id for entry in saved]
    assert turns == sorted(set(turns))


def test_one_of_two_killed_midway_loses_nothing_and_does_not_stop_the_other(database, store):
    doomed, other = writer(database, "doomed", 10, 100_000), writer(database, "other", 10, 40)
    lines = [doomed.stdout.readline() for _ in range(200)]
    doomed.send_signal(signal.SIGKILL)
    rest, _ = doomed.communicate(timeout=60)
    told, _ = other.communicate(timeout=60)
    assert other.returncode == 0
    whole = [line for line in (*lines, *rest.splitlines(keepends=True)) if line.endswith("\n")]
    known = acknowledged(whole[1:]) | acknowledged(told.splitlines()[1:])
    found = held(store)
    assert known <= set(found)
    assert set(found.values()) == {1}
    assert store.verify() is None


def test_the_same_responses_from_two_processes_are_kept_once(database, store):
    with_same = SittingStore(database)
    try:
        sitting = store.enter("e", "n", "A", 7, ALLOWANCE, seat=SEAT, actor="n", origin=HERE).result()
        sent = [Response(sequence, "i", "B", False, "d") for sequence in range(1, 30)]
        saving = [own.save(sitting, SEAT, [response]) for response in sent for own in (store, with_same)]
        assert {each.result().id for each in saving} == {sitting.id}
        assert store.log(sitting) == sent
        clashing = [
            own.save(sitting, SEAT, [Response(30, "i", letter, False, "d")])
            for own, letter in ((store, "A"), (with_same, "C"))
        ]
        failed = [each.exception() for each in clashing]
        assert sorted(str(error) for error in failed) == ["None", "conflict"]
        assert store.verify() is None
    finally:
        with_same.close()


def test_what_was_acknowledged_outlives_the_servers_end_and_the_store_goes_on(postgresql, store):
    sitting = store.enter("e", "n", "A", 7, ALLOWANCE, seat=SEAT, actor="n", origin=HERE).result()
    store.save(sitting, SEAT, [Response(1, "i", "A", False, "d")]).result()
    postgresql.stop(signal.SIGQUIT)
    saving = store.save(sitting, SEAT, [Response(2, "i", "B", False, "d")])
    assert isinstance(saving.exception(60), sa.exc.DBAPIError)
    postgresql.start()

    def again():
        return store.save(sitting, SEAT, [Response(2, "i", "B", False, "d")]).exception(60) is None

    until(again, 20, "the store writes again")
    assert [response.sequence for response in store.log(sitting)] == [1, 2]
    assert store.verify() is None


@pytest.fixture(scope="module")
def engines(postgresql):
    both = [connect(postgresql.new_database(), audit.metadata), connect("sqlite://", audit.metadata)]
    yield both
    for engine in both:
        engine.dispose()


def test_who_hangs_while_writing_is_cut_off_and_who_reads_is_not(engines):
    asked = sa.text("SELECT current_setting('idle_in_transaction_session_timeout')")
    with engines[0].connect().execution_options(writing=True) as connection:
        assert connection.execute(asked).scalar() == "10s"
    with engines[0].connect() as connection:
        assert connection.execute(asked).scalar() == "0"


@examples(15)
@given(BATCHES)
def test_every_change_comes_to_the_same_as_on_sqlite(engines, batches):
    outcomes = []
    for engine in engines:
        seen: list[Any] = []
        with emptied(engine) as connection:
            for batch in batches:
                with connection.begin():
                    made = sitting_changes.apply(connection, batch)
                seen += map(plain, made)
            assert audit.broken(audit.entries(connection)) is None
        outcomes.append(seen)
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace(".s.PGSQL.5432", "nothing"), "is it there, is it running"),
        (lambda url: url.replace("/postgres?", "/nowhere?"), "may this user write in it"),
        (lambda url: url.replace("postgresql:", "postgresql+psycopg:"), "a driver that is not installed"),
        (lambda url: url.replace("postgresql:", "mysql:"), "cannot be read"),
        (lambda _url: "postgresql://u:geheim@127.0.0.1:port/x", "cannot be read"),
    ],
)
def test_a_database_that_is_not_there_is_one_sentence_without_the_password(postgresql, change, said):
    with pytest.raises(DatabaseError) as caught:
        SittingStore(change(postgresql.url).replace("postgres@", "postgres:geheim@"))
    assert said in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)


class Pair(Process):
    """Two processes of the service that share one socket and one PostgreSQL."""

    def __init__(self, home, database):
        super().__init__(home, free_port())
        self._listener = listening.bound("127.0.0.1", self.port)
        self._environment = os.environ | {
            listening.VARIABLE: str(self._listener.fileno()),
            "XINGLIN_EXAMS_DATABASE": database,
        }
        self.both = [self.another(), self.another()]
        self.process = self.both[0]

    def another(self):
        command = [sys.executable, "-m", "tests.support.exam_host", str(self.home), str(self.port)]
        with (self.home / "service.log").open("ab") as out:
            return subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdout=out, stderr=out, pass_fds=[self._listener.fileno()]
            )

    def stop(self):
        for process in self.both:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait()
        self._listener.close()


@pytest.fixture
def pair(tmp_path, database):
    furnish(tmp_path)
    running = Pair(tmp_path, database)
    running.wait()
    yield running
    running.stop()


def test_any_request_is_answered_by_any_process(pair, store):
    """One process at a time is held still, so that the other answers; each goes on where the other was."""
    candidate = CANDIDATES[0]
    cookies: dict[str, Any] = {}

    def ask(path, **body):
        token = {"xinglin-exams-xsrf": "0" * 32}
        answer = requests.post(
            f"{pair.base}{path}", json=body, cookies=cookies | token, headers={"X-XSRFToken": "0" * 32}, timeout=30
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def only(place):
        pair.both[1 - place].send_signal(signal.SIGSTOP)
        pair.both[place].send_signal(signal.SIGCONT)

    until(lambda: (pair.home / "service.log").exists() and all(own.poll() is None for own in pair.both), 10, "both run")
    only(0)
    login = requests.get(f"{pair.base}login", params={"as": candidate.user}, allow_redirects=False, timeout=30)
    cookies.update(login.cookies)
    only(1)
    item = ask("api/joint/enter", seat=SEAT)["items"][0]["id"]
    for sequence in range(1, 5):
        only(sequence % 2)
        response = {"sequence": sequence, "item": item, "value": "A", "device": "d"}
        assert ask("api/joint/responses", seat=SEAT, responses=[response])["acknowledged"] == [sequence]
    only(0)
    pair.both[1].send_signal(signal.SIGKILL)
    pair.both[1].wait()
    assert ask("api/joint/submit", seat=SEAT, sequence=4)["receipt"].endswith("/joint/receipt")
    assert store.verify() is None
    assert len(store.log(store.sitting("joint", candidate.number))) == 4
