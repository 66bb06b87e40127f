"""An exam from building to release: the command, the desk's errands, real sittings, real nbgrader."""

import csv
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import ANY

import pytest

from exams import gradebook, release
from exams.change import Origin
from exams.cli import exam
from exams.demo import FINISHED, OPEN, Student, seed
from exams.errands import ErrandError, errands
from exams.exam import DATABASE, exam_in, exams_in
from exams.marking import examples
from exams.response import Response
from exams.sitting import SittingStore
from exams.timing import Allowance
from tests.support.exam_command import RUN, build, roster_file, run
from tests.support.exam_host import store_url

NOW = datetime.now(UTC)
STUDENTS = [Student(f"student{n:02}", f"学生{n:02}", "东校医学院" if n <= 3 else "西校医学院") for n in range(1, 7)]


def seen_by(home: Path, name: str, number: str) -> release.CandidateResult | None:
    found = exam_in(home / "exams", name)
    return release.result(found.folder, lambda _: found.form("A"), number)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("demo")
    seed(home, store_url(home), STUDENTS, "lead01", ("teacher01", "teacher02"), NOW)
    return home


def test_the_demo_has_one_exam_open_and_one_released(demo: Path) -> None:
    finished, now_open = exams_in(demo / "exams")
    assert (finished.id, now_open.id) == (FINISHED, OPEN)
    assert now_open.opens < NOW < now_open.closes
    assert finished.closes < NOW
    assert set(finished.schools) == {student.school for student in STUDENTS}
    made = release.released(finished.folder)
    assert made is not None
    assert made.by == "lead01"
    assert release.released(now_open.folder) is None
    seen = [seen_by(demo, FINISHED, candidate.number) for candidate in finished.roster()]
    assert len(seen) == 6
    for one in seen:
        assert one is not None
        assert len(one.items) == 20
        assert 0 < one.points < one.maximum == 26
    assert any(item.comment for one in seen if one for item in one.items)
    assert seen_by(demo, OPEN, "DX0001") is None


def test_seeding_again_changes_nothing(demo: Path) -> None:
    before = {path: path.read_bytes() for path in (demo / "exams").rglob("*.json")}
    seed(demo, store_url(demo), STUDENTS, "lead01", ("teacher01", "teacher02"), NOW)
    assert {path: path.read_bytes() for path in (demo / "exams").rglob("*.json")} == before


def test_the_demo_is_audited(demo: Path) -> None:
    store = SittingStore(f"sqlite:///{demo / 'exams' / DATABASE}")
    try:
        assert store.verify() is None
        assert [entry.actor for entry in store.audit(FINISHED)][-1] == "lead01"
    finally:
        store.close()


def nbgrader(course: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]


def test_stock_export_gives_the_marks_that_were_released(demo: Path) -> None:
    course = demo / "nbgrader" / "diagnostics"
    nbgrader(course, "export", "--to", "grades.csv")
    with (course / "grades.csv").open() as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file) if row["assignment"] == FINISHED}
    assert len(rows) == 6
    for number, row in rows.items():
        seen = seen_by(demo, FINISHED, number)
        assert seen is not None
        assert (float(row["score"]), float(row["max_score"])) == (seen.points, seen.maximum)
        assert not row["last_name"]
        assert not row["first_name"]


def test_stock_feedback_holds_no_hidden_test_and_no_rubric(demo: Path) -> None:
    course = demo / "nbgrader" / "diagnostics"
    nbgrader(course, "generate_feedback", FINISHED, "--student=DX0001")
    page = (course / "feedback" / "DX0001" / FINISHED / f"{FINISHED}.html").read_text(encoding="utf-8")
    form = exam_in(demo / "exams", FINISHED).form("A")
    assert form.items[0].stem in page
    assert "HIDDEN" not in page
    assert "MARK SCHEME" not in page
    for item in form.items:
        assert item.rationale not in page
        assert not [text for _, text in item.rubric if f"分：{text}" in page]


def test_from_building_to_release(tmp_path: Path) -> None:
    """Two candidates, one of whom does not answer; every act, and every reason to refuse one."""
    opens = NOW - timedelta(hours=3)
    made = build(tmp_path, "dx-1", opens, NOW - timedelta(hours=1))
    assert made.exit_code == 0, made.output
    assert "dx-1, form A: 20 items, 26 points." in made.output
    assert "2 candidates." in made.output
    form = exam_in(tmp_path / "exams", "dx-1").form("A")
    short = next(item for item in form.items if item.type == "short")

    then = round((opens + timedelta(minutes=5)).timestamp() * 1000)
    store = SittingStore(f"sqlite:///{tmp_path / 'exams' / DATABASE}", clock=lambda: then)
    allowance = Allowance(60, round((NOW - timedelta(hours=1)).timestamp() * 1000))
    responses = [
        Response(place, item.id, examples(item).correct, False, "test") for place, item in enumerate(form.items, 1)
    ]
    for number, user in (("N1", "student01"), ("N2", "student04")):
        sitting = store.enter(
            "dx-1", number, "A", 1, allowance, seat="s", actor=user, origin=Origin("test", "::1", "test")
        ).result()
        if number == "N1":
            store.save(sitting, "s", responses).result()
    store.submit("dx-1", "N1", "s", len(responses), "student01").result()
    store.close()

    early = run(tmp_path, "release", "dx-1", "--by", "lead01", "--language", "zh")
    assert early.output == "Error: 还有 2 份答卷未评阅：请先评阅。\n"
    assert run(tmp_path, "collect", "dx-1", "--by", "lead01").output == "2 sittings were collected.\n"
    acts = errands([sys.executable, "-c", RUN], tmp_path)
    assert acts["mark"]("dx-1", "lead01", "zh") == "已评阅 2 份答卷；还有 1 个作答等待人工阅卷。"
    with pytest.raises(ErrandError, match=r"^There is no exam 'dx-9'; there are: dx-1.$"):
        acts["mark"]("dx-9", "lead01", "zh")
    refused = run(tmp_path, "release", "dx-1", "--by", "lead01")
    assert refused.exit_code == 1
    assert refused.output == "Error: 1 answers still await a marker: they are marked first.\n"

    course = tmp_path / "nbgrader" / "diagnostics"
    with pytest.raises(gradebook.GradebookError, match="points are not between"):
        gradebook.mark_by_hand(course, form, "N1", short.id, 99, "")
    with pytest.raises(gradebook.GradebookError, match="Candidate N9 has no submission"):
        gradebook.mark_by_hand(course, form, "N9", short.id, 1, "")
    gradebook.mark_by_hand(course, form, "N1", short.id, 3, "要点较全")
    assert run(tmp_path, "mark", "dx-1", "--by", "lead01").output.endswith("0 answers await a marker.\n")
    wrong = run(tmp_path, "release", "dx-1", "--by", "teacher01")
    assert wrong.output == "Error: Only the group lead lead01 can do this.\n"
    assert seen_by(tmp_path, "dx-1", "N1") is None
    assert run(tmp_path, "release", "dx-1", "--by", "lead01").exit_code == 0

    first, second = seen_by(tmp_path, "dx-1", "N1"), seen_by(tmp_path, "dx-1", "N2")
    assert first is not None
    assert second is not None
    assert (first.points, second.points) == (26 - short.points + 3, 0)
    assert next(one.comment for one in first.items if one.item["id"] == short.id) == "要点较全"
    assert "released by lead01" in run(tmp_path, "list").output
    store = SittingStore(f"sqlite:///{tmp_path / 'exams' / DATABASE}")
    done = [(entry.actor, entry.act) for entry in store.audit("dx-1")]
    assert ("lead01", "release") in done
    assert ("teacher01", "release") not in done
    store.attend("dx-1", ["N2"], "annulled", "lead01", {"reason": "sat for somebody else"}).result()
    store.close()
    said = run(tmp_path, "release", "dx-1", "--by", "lead01").output
    assert said == "The results of 1 candidates are released. Those of 1 candidates are others than before.\n"
    assert (seen_by(tmp_path, "dx-1", "N1"), seen_by(tmp_path, "dx-1", "N2")) == (replace(first, at=ANY), None)


def test_an_errand_that_takes_too_long_is_ended_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exams.errands.LONGEST_S", 0.01)
    acts = errands([sys.executable, "-c", "import signal; signal.pause()"], tmp_path)
    with pytest.raises(ErrandError, match=r"^操作用时过长，已被终止"):
        acts["sign"]("dx-1", "lead01", "zh")


def test_an_exam_is_ended_early_by_its_lead_when_nobody_writes(tmp_path: Path) -> None:
    """Before its closing time, and only once."""
    opens, closes = NOW - timedelta(hours=1), datetime.now(UTC) + timedelta(days=1)
    build(tmp_path, "dx-1", opens, closes)
    store = SittingStore(f"sqlite:///{tmp_path / 'exams' / DATABASE}")
    allowance = Allowance(60, round(closes.timestamp() * 1000))
    store.enter(
        "dx-1", "N1", "A", 1, allowance, seat="s", actor="student01", origin=Origin("test", "::1", "test")
    ).result()
    writing = run(tmp_path, "close", "dx-1", "--by", "lead01")
    assert writing.output == "Error: 1 candidates are still writing: wait until they have handed in.\n"
    store.submit("dx-1", "N1", "s", 0, "student01").result()
    store.close()
    wrong = run(tmp_path, "close", "dx-1", "--by", "teacher01")
    assert wrong.output == "Error: Only the group lead lead01 can do this.\n"
    assert run(tmp_path, "close", "dx-1", "--by", "lead01").exit_code == 0
    assert exam_in(tmp_path / "exams", "dx-1").closes <= datetime.now(UTC)
    assert run(tmp_path, "close", "dx-1", "--by", "lead01").output == "Error: The exam is over already.\n"


def test_nothing_is_released_while_somebody_with_extra_time_writes(tmp_path: Path) -> None:
    """The exam is over for all others: what they would see holds the keys."""
    opens, closes = NOW - timedelta(hours=3), NOW - timedelta(hours=1)
    build(tmp_path, "dx-1", opens, closes)
    then = round(opens.timestamp() * 1000)
    store = SittingStore(f"sqlite:///{tmp_path / 'exams' / DATABASE}", clock=lambda: then)
    allowance = Allowance(60, round(closes.timestamp() * 1000), extra_minutes=1_000_000)
    store.enter(
        "dx-1", "N1", "A", 1, allowance, seat="s", actor="student01", origin=Origin("test", "::1", "test")
    ).result()
    refused = run(tmp_path, "release", "dx-1", "--by", "lead01", "--language", "zh")
    assert refused.exit_code == 1
    assert refused.output == "Error: 还有 1 份答卷未交。\n"
    assert release.released(tmp_path / "exams" / "dx-1") is None
    store.submit("dx-1", "N1", "s", 0, "student01").result()
    store.close()
    run(tmp_path, "mark", "dx-1", "--by", "lead01")
    assert run(tmp_path, "release", "dx-1", "--by", "lead01").exit_code == 0


def test_an_open_exam_is_not_released(demo: Path) -> None:
    refused = run(demo, "release", OPEN, "--by", "lead01")
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: The exam is not over yet: it closes at ")
    assert release.released(demo / "exams" / OPEN) is None


def test_an_exam_is_not_built_twice(demo: Path) -> None:
    again = build(demo, OPEN, NOW, NOW + timedelta(hours=1))
    assert again.output == f"Error: There is an exam {OPEN} already: choose another name.\n"


def test_what_cannot_be_built_leaves_nothing_behind(tmp_path: Path) -> None:
    candidates = roster_file(tmp_path)
    candidates.write_text(candidates.read_text(encoding="utf-8").replace(",A,", ",B,"), encoding="utf-8")
    times = ["--opens", "2027-01-08T09:00+08:00", "--closes", "2027-01-08T11:00+08:00", "--minutes", "60"]
    options = ["--title", "t", *times, "--lead", "lead01", "--roster", str(candidates)]
    refused = run(tmp_path, "build", "dx-1", *options)
    assert refused.exit_code == 1
    assert "has the form 'B', which the exam does not have" in refused.output
    assert not (tmp_path / "exams" / "dx-1").exists()


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (["2027-01-08T09:00", "2027-01-08T11:00+08:00"], "Give the offset from UTC too"),
        (["tomorrow", "2027-01-08T11:00+08:00"], "'tomorrow' is not a time such as"),
        (["2027-01-08T11:00+08:00", "2027-01-08T09:00+08:00"], "The exam must close after it opens."),
    ],
)
def test_times_that_make_no_sense_are_refused(tmp_path: Path, times: list[str], said: str) -> None:
    options = ["--title", "t", "--opens", times[0], "--closes", times[1], "--minutes", "60", "--lead", "lead01"]
    refused = run(tmp_path, "build", "dx-1", *options, "--roster", str(roster_file(tmp_path)))
    assert refused.exit_code != 0
    assert said in refused.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["collect", "none", "--by", "lead01"], "Error: There is no exam 'none'; there are: none yet.\n"),
        (["check", "/"], "Error: /: There are no bank files (*.yaml) here.\n"),
    ],
)
def test_errors_are_one_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    refused = run(tmp_path, *arguments)
    assert (refused.exit_code, refused.output) == (1, said)


@pytest.mark.parametrize("command", ["", *exam.commands])
def test_every_command_has_help_with_an_example(tmp_path: Path, command: str) -> None:
    shown = run(tmp_path, *filter(None, [command]), "--help")
    assert shown.exit_code == 0
    assert "Example: xinglin exam" in shown.output


def test_the_bank_is_sound(tmp_path: Path) -> None:
    shown = run(tmp_path, "check")
    assert shown.exit_code == 0
    assert "items, all sound." in shown.output


def test_nbgraders_own_collect_works(demo: Path) -> None:
    """`nbgrader collect` in the course root goes through our exchange plugin."""
    course = demo / "nbgrader" / "diagnostics"
    folder = course / "submitted" / "DX0001" / FINISHED
    before = (folder / f"{FINISHED}.ipynb").read_text(encoding="utf-8")
    for path in folder.iterdir():
        path.unlink()
    nbgrader(course, "collect", FINISHED)
    assert (folder / f"{FINISHED}.ipynb").read_text(encoding="utf-8") == before
