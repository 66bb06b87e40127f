"""The command `xinglin`: help with an example everywhere, errors as one line, no traceback unless asked for."""

import os
import stat
import sys

import bcrypt
import click
import pytest
from click.testing import CliRunner
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo

from hub.cli import COMMANDS, main

ROSTER = "user,name,school,class,role\nstudent01,学生01,东校,1,student\nstudent02,学生02,东校,1,student\n"


def every(command=main, words=()):
    """Every command as its words."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from every(command.get_command(context, name), (*words, name))


EVERY = list(every())


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs `xinglin` with a home of its own; gives click's result."""
    monkeypatch.setenv("XINGLIN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XINGLIN_PORT", raising=False)
    before = os.umask(0o022)
    yield lambda *words: CliRunner().invoke(main, [str(word) for word in words], prog_name="xinglin")
    os.umask(before)


def fails(result, code=1):
    """The one line of an error."""
    assert result.exit_code == code, result.output
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert "Traceback" not in line
    return line


@pytest.mark.parametrize(("words", "command"), EVERY, ids=[" ".join(words) or "xinglin" for words, _ in EVERY])
def test_every_command_has_help_with_an_example(run, words, command):
    result = run(*words, "--help")
    assert result.exit_code == 0
    example = result.output.split("Example:")[1].split()
    assert "xinglin" in example
    at = example.index("xinglin") + 1
    assert tuple(example[at : at + len(words)]) == words


@pytest.mark.parametrize(("words", "command"), EVERY, ids=[" ".join(words) or "xinglin" for words, _ in EVERY])
def test_an_option_that_is_none_is_one_line_that_names_the_help(run, words, command):
    line = fails(run(*words, "--nonsense"), 2)
    assert "--nonsense" in line
    assert line.endswith(f"Help: {' '.join(('xinglin', *words))} --help")


def test_the_overview_lists_every_command(run):
    result = run("--help")
    for name, (_, text) in COMMANDS.items():
        assert f"{name} " in result.output
        assert text.split(".")[0].split(":")[0] in result.output


@pytest.mark.parametrize("words", [["nonsense"], ["user", "nonsense"], ["exam", "nonsense"], ["case", "nonsense"]])
def test_an_unknown_command_is_one_line(run, words):
    assert "nonsense" in fails(run(*words), 2)


@pytest.mark.parametrize("words", [["user", "add"], ["user", "import", "none.csv"], ["exam", "mark"], ["case", "open"]])
def test_a_missing_word_is_one_line(run, words):
    fails(run(*words), 2)


def test_settings_that_are_wrong_are_one_line(run, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "xinglin.toml").write_text("[server]\nports = 1\n")
    assert "xinglin.toml" in fails(run("user", "list"))


def test_an_error_nobody_thought_of_is_one_line_and_debug_shows_all_of_it(run, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "state.sqlite").write_text("this is no database, and its error has several lines\n" * 99)
    assert "--debug" in fails(run("user", "list"))
    result = run("--debug", "user", "list")
    assert result.exit_code == 1
    assert "DatabaseError" in type(result.exception).__name__


def passwords_fit(home, passwords):
    with orm.new_session_factory(f"sqlite:///{home / 'hub.sqlite'}")() as session:
        return [bcrypt.checkpw(value.encode(), UserInfo.find(session, user).password) for user, value in passwords]


def test_an_account_is_added_and_counted(run, tmp_path):
    assert run("user", "list").output.split()[:2] == ["student", "0"]
    result = run("user", "add", "--name", "教师01", "--school", "东校", "--role", "teacher", "teacher01")
    assert result.exit_code == 0, result.output
    assert passwords_fit(tmp_path / "home", [("teacher01", result.stdout.strip())]) == [True]
    assert "teacher   1" in run("user", "list").output


def test_what_the_platform_writes_is_its_owners_alone(run, tmp_path):
    (tmp_path / "home").mkdir(mode=0o755)
    run("user", "add", "--name", "某", "student01")
    for name in ("hub.sqlite", "state.sqlite"):
        assert stat.S_IMODE((tmp_path / "home" / name).stat().st_mode) == 0o600, name


def test_a_wrong_name_or_role_is_one_line(run):
    assert "lower-case" in fails(run("user", "add", "--name", "某", "Student 01"))
    assert "dean" in fails(run("user", "add", "--name", "某", "--role", "dean", "x"), 2)


def test_a_roster_becomes_accounts_and_a_sheet_of_passwords(run, tmp_path):
    roster, sheet = tmp_path / "roster.csv", tmp_path / "passwords.csv"
    roster.write_text(ROSTER, "utf-8")
    result = run("user", "import", roster, "--out", sheet)
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    head, *rows = [line.split(",") for line in sheet.read_text("utf-8").splitlines()]
    assert head == ["user", "name", "school", "class", "password"]
    assert [row[:4] for row in rows] == [["student01", "学生01", "东校", "1"], ["student02", "学生02", "东校", "1"]]
    assert passwords_fit(tmp_path / "home", [(row[0], row[4]) for row in rows]) == [True, True]
    assert not any(row[4] in result.output for row in rows)


def test_a_wrong_roster_or_no_place_for_the_passwords_makes_no_account(run, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text(ROSTER + "student01,学生,东校,1,student\n", "utf-8")
    assert "line 4" in fails(run("user", "import", roster, "--out", tmp_path / "p.csv"))
    roster.write_text(ROSTER, "utf-8")
    assert "folder" in fails(run("user", "import", roster, "--out", tmp_path / "none" / "p.csv"))
    assert run("user", "list").output.split()[:2] == ["student", "0"]


def test_courses_are_listed_and_built(run, tmp_path):
    assert "physiology/01_nerve  神经干动作电位  5 tasks" in run("course", "list").output
    result = run("course", "build")
    assert result.exit_code == 0, result.output
    for line in result.output.splitlines():
        assert (tmp_path / "home" / line).is_file()
    assert "courses/physiology/01_nerve.ipynb" in result.output


def test_there_is_no_demo_to_clear(run):
    assert "no demo" in fails(run("demo", "clear", "--yes"))


def test_the_apps_service_is_not_started_by_hand(run, monkeypatch):
    monkeypatch.delenv("JUPYTERHUB_SERVICE_URL", raising=False)
    assert "xinglin serve" in fails(run("course", "serve"))


def test_help_and_lists_load_nothing_heavy():
    """What keeps the command quick: none of these is imported before it is needed."""
    import subprocess

    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom hub.cli import main\n"
        "CliRunner().invoke(main, ['--help'])\n"
        "print({'voila', 'nbgrader', 'scipy', 'jupytext'} & set(sys.modules) or 'none')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"
