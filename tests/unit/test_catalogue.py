"""Courses and their labs: what course.toml may say, and the notebooks built from it."""

import json
import shutil

import nbformat
import pytest

from courses.build import STAMP, BuildError, build, notebook_of
from courses.catalogue import SOURCE, CatalogueError, read_catalogue, read_course
from tests.support.narrowing import present

COURSE = """\
order = 1
title = { zh = "课", en = "Course" }

[[labs]]
name = "01_one"
title = { zh = "一", en = "One" }
question = { zh = "？", en = "?" }
minutes = 30

[[labs.tasks]]
id = "first"
title = { zh = "甲", en = "First" }
"""
LAB = "# %% [markdown]\n# # 一\n\n# %%\nx = 1\n\n\n# %%\nx\n"


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "source" / "demo"
    folder.mkdir(parents=True)
    (folder / "course.toml").write_text(COURSE, "utf-8")
    (folder / "01_one.py").write_text(LAB, "utf-8")
    return folder


def test_a_course_is_read(course):
    read = read_course(course)
    (lab,) = read.labs
    assert (read.id, read.order, read.title["zh"], read.title["en"]) == ("demo", 1, "课", "Course")
    assert (lab.id, lab.minutes, lab.question["en"]) == ("demo/01_one", 30, "?")
    assert present(lab.task("first")).title["zh"] == "甲"
    assert lab.task("second") is None


def test_courses_come_in_their_order_and_a_lab_is_found_by_its_id(course):
    other = course.parent / "another"
    shutil.copytree(course, other)
    (other / "course.toml").write_text(COURSE.replace("order = 1", "order = 0"), "utf-8")
    catalogue = read_catalogue(course.parent)
    assert [found.id for found in catalogue.courses] == ["another", "demo"]
    assert present(catalogue.lab("demo/01_one")).course == "demo"
    assert catalogue.lab("demo/02_two") is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("order = 1", "order = 1\nlevel = 2", "demo/course.toml: unknown field level"),
        ("minutes = 30", "minutes = 30\nhours = 1", "labs 1: unknown field hours"),
        ('id = "first"', 'id = "first"\npoints = 2', "tasks 1: unknown field points"),
        ('en = "One"', 'en = "One", fr = "Un"', "labs 1, title: unknown field fr"),
        ("order = 1", "", "order must be given, as int"),
        ("minutes = 30", "minutes = 30\npure_at_start = 1", "pure_at_start must be given, as bool"),
        ("minutes = 30", "minutes = true", "minutes must be given, as int"),
        ("minutes = 30", 'minutes = "30"', "minutes must be given, as int"),
        (', en = "One"', "", "labs 1, title: en must be given"),
        ('zh = "一"', 'zh = ""', "labs 1, title: zh must be given"),
        ('title = { zh = "一", en = "One" }', 'title = "一"', "labs 1: title must be given, as dict"),
        ('name = "01_one"', 'name = "02_two"', "demo/02_two.py is missing"),
        ('name = "01_one"', 'name = "../demo/01_one"', "NN_topic"),
        ('name = "01_one"', 'name = "01-one"', "NN_topic"),
        ("order = 1", "order = ", "demo/course.toml cannot be read"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(course, old, new, says):
    assert old in COURSE
    (course / "course.toml").write_text(COURSE.replace(old, new, 1), "utf-8")
    with pytest.raises(CatalogueError) as refused:
        read_catalogue(course.parent)
    assert says in str(refused.value)


def test_labs_that_are_no_tables_are_refused(course):
    (course / "course.toml").write_text('order = 1\nlabs = ["01_one"]\ntitle = { zh = "课", en = "C" }\n', "utf-8")
    with pytest.raises(CatalogueError, match="labs must be tables"):
        read_course(course)


def test_two_tasks_of_one_id_and_two_labs_of_one_name_are_refused(course):
    task = COURSE[COURSE.index("[[labs.tasks]]") :]
    (course / "course.toml").write_text(COURSE + task, "utf-8")
    with pytest.raises(CatalogueError, match="lab 01_one: two tasks"):
        read_course(course)
    (course / "course.toml").write_text(COURSE + COURSE[COURSE.index("[[labs]]") :], "utf-8")
    with pytest.raises(CatalogueError, match="two labs"):
        read_course(course)


def test_the_labs_of_this_project_are_in_the_catalogue():
    folders = {path.parent.name for path in SOURCE.glob("*/[0-9][0-9]_*.py")}
    catalogue = read_catalogue()
    assert {course.id for course in catalogue.courses} == folders
    notebooks = {f"{path.parent.name}/{path.stem}" for path in SOURCE.glob("*/[0-9][0-9]_*.py")}
    assert {lab.id for lab in catalogue.labs()} == notebooks


class TestBuild:
    """The build of notebooks."""

    def test_the_same_source_gives_the_same_bytes_wherever_it_lies(self, course, tmp_path):
        other = tmp_path / "elsewhere" / "source"
        shutil.copytree(course.parent, other)
        one = build(read_catalogue(course.parent), tmp_path / "out", course.parent)
        two = build(read_catalogue(other), tmp_path / "elsewhere" / "out", other)
        assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
        assert str(tmp_path).encode() not in one[0].read_bytes()

    def test_a_built_notebook_is_valid_and_holds_the_source_in_order(self, course, tmp_path):
        (path,) = build(read_catalogue(course.parent), tmp_path / "out", course.parent)
        assert path == tmp_path / "out" / "demo" / "01_one.ipynb"
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
            ("markdown", "# 一"),
            ("code", "x = 1"),
            ("code", "x"),
        ]
        assert notebook.metadata.title == "一"
        assert notebook.metadata.kernelspec.name == "xinglin"
        assert len({cell.id for cell in notebook.cells}) == 3
        assert "outputs" in json.loads(path.read_text())["cells"][1]

    @pytest.mark.parametrize(
        ("source", "says"),
        [
            (LAB.replace("# %%\nx = 1", '# %% tags=["hide"]\nx = 1'), "demo/01_one.py, cell 2: unknown metadata tags"),
            (LAB.replace("# %%\nx\n", "# %% editable=false\nx\n"), "demo/01_one.py, cell 3: unknown metadata editable"),
            (f"# ---\n# jupyter:\n#   voila: {{}}\n# ---\n\n{LAB}", "demo/01_one.py: unknown notebook metadata voila"),
            (f"# ---\n# voila: {{}}\n# ---\n\n{LAB}", "demo/01_one.py, cell 1: a raw cell"),
            (f"# %% [raw]\n# text\n\n{LAB}", "demo/01_one.py, cell 1: a raw cell"),
        ],
    )
    def test_metadata_that_nothing_reads_is_refused_with_its_cell(self, source, says):
        with pytest.raises(BuildError) as refused:
            notebook_of(source, "demo/01_one")
        assert says in str(refused.value)

    def test_a_changed_source_is_built_again_and_an_unchanged_one_is_not(self, course, tmp_path):
        out = tmp_path / "out"
        (path,) = build(read_catalogue(course.parent), out, course.parent)
        first = path.stat().st_mtime_ns, path.stat().st_ino
        build(read_catalogue(course.parent), out, course.parent)
        assert (path.stat().st_mtime_ns, path.stat().st_ino) == first
        (course / "01_one.py").write_text(LAB + "\n# %%\ny = 2\n", "utf-8")
        build(read_catalogue(course.parent), out, course.parent)
        assert "y = 2" in path.read_text("utf-8")

    def test_a_changed_title_is_built_too(self, course, tmp_path):
        build(read_catalogue(course.parent), tmp_path / "out", course.parent)
        (course / "course.toml").write_text(COURSE.replace('zh = "一"', 'zh = "壹"'), "utf-8")
        (path,) = build(read_catalogue(course.parent), tmp_path / "out", course.parent)
        assert nbformat.read(path, as_version=4).metadata.title == "壹"

    def test_a_lab_that_is_gone_leaves_no_notebook_behind(self, course, tmp_path):
        out = tmp_path / "out"
        (path,) = build(read_catalogue(course.parent), out, course.parent)
        shutil.move(course / "01_one.py", course / "02_two.py")
        (course / "course.toml").write_text(COURSE.replace("01_one", "02_two"), "utf-8")
        (new,) = build(read_catalogue(course.parent), out, course.parent)
        assert new.exists()
        assert not path.exists()

    def test_a_lost_notebook_is_made_again(self, course, tmp_path):
        (path,) = build(read_catalogue(course.parent), tmp_path / "out", course.parent)
        path.unlink()
        build(read_catalogue(course.parent), tmp_path / "out", course.parent)
        assert path.exists()

    def test_a_build_that_fails_is_not_taken_for_done(self, course, tmp_path):
        out = tmp_path / "out"
        (course / "01_one.py").write_text(LAB.replace("# %%\nx\n", '# %% tags=["x"]\nx\n'), "utf-8")
        with pytest.raises(BuildError):
            build(read_catalogue(course.parent), out, course.parent)
        assert not (out / STAMP).exists()
        assert not list(out.rglob("*.ipynb"))
