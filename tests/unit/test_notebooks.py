"""A lab copied into a student's folder, which may hold anything the student could put there."""

import os
import resource

import pytest

from courses.catalogue import Lab, Text
from hub.notebooks import NotebookCopyError, copy_notebook

LAB = Lab("physiology", "01_nerve", Text("神经", "Nerve"), Text("？", "?"), 10, ())
NAME = "labs/physiology_01_nerve.ipynb"
CONTENT = b'{"cells": []}'


@pytest.fixture
def built(tmp_path):
    folder = tmp_path / "courses"
    (folder / "physiology").mkdir(parents=True)
    (folder / "physiology" / "01_nerve.ipynb").write_bytes(CONTENT)
    return folder


@pytest.fixture
def home(tmp_path):
    made = tmp_path / "homes" / "student01"
    made.mkdir(parents=True)
    return made


def everything_below(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_notebook_is_copied_once(built, home):
    assert copy_notebook(built, home, LAB) == NAME
    assert (home / NAME).read_bytes() == CONTENT
    assert (home / NAME).stat().st_mode & 0o777 == 0o600
    assert (home / "labs").stat().st_mode & 0o777 == 0o700


def test_a_home_is_made_for_who_comes_first(built, tmp_path):
    home = tmp_path / "new" / "student01"
    assert copy_notebook(built, home, LAB) == NAME
    assert home.stat().st_mode & 0o777 == 0o700


def test_the_students_own_copy_is_kept(built, home):
    copy_notebook(built, home, LAB)
    (home / NAME).write_bytes(b"my work")
    assert copy_notebook(built, home, LAB) == NAME
    assert (home / NAME).read_bytes() == b"my work"


@pytest.mark.parametrize("there", [True, False])
def test_labs_as_a_link_is_not_followed(built, home, tmp_path, there):
    victim = tmp_path / "victim"
    if there:
        victim.mkdir()
    (home / "labs").symlink_to(victim)
    with pytest.raises(NotebookCopyError, match="labs"):
        copy_notebook(built, home, LAB)
    assert not victim.exists() or not list(victim.iterdir())


def test_the_notebook_as_a_link_is_not_followed(built, home, tmp_path):
    victim, dangling = tmp_path / "victim", tmp_path / "dangling"
    victim.write_bytes(b"of another")
    (home / "labs").mkdir()
    for target in (victim, dangling):
        (home / NAME).unlink(missing_ok=True)
        (home / NAME).symlink_to(target)
        copy_notebook(built, home, LAB)
    assert victim.read_bytes() == b"of another"
    assert not dangling.exists()


@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_something_else_called_labs_is_refused_and_kept(built, home, kind):
    if kind == "file":
        (home / "labs").write_bytes(b"notes")
    else:
        os.mkfifo(home / "labs")
    with pytest.raises(NotebookCopyError, match="rename"):
        copy_notebook(built, home, LAB)
    assert everything_below(home) == ({home / "labs": b"notes"} if kind == "file" else {})


def test_a_home_that_is_a_link_is_refused(built, home, tmp_path):
    elsewhere = tmp_path / "homes" / "student02"
    elsewhere.symlink_to(home)
    with pytest.raises(NotebookCopyError):
        copy_notebook(built, elsewhere, LAB)
    assert not list(home.iterdir())


def test_half_a_notebook_is_never_left_as_the_students_own(built, home):
    import signal

    limit, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, limit[1]))
    try:
        with pytest.raises(NotebookCopyError, match="make room"):
            copy_notebook(built, home, LAB)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert not (home / NAME).exists()
    copy_notebook(built, home, LAB)
    assert (home / NAME).read_bytes() == CONTENT
