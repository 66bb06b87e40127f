"""The roster of people: what a spreadsheet writes is read back, what is wrong is refused with its line."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.people import ROSTER_COLUMNS, Directory, Person, Role, RosterError, read_roster
from hub.state import engine

HEAD = ",".join(ROSTER_COLUMNS)
GOOD = "student01,学生01,东校,2024-1,student"


def write(folder, text, encoding="utf-8"):
    file = folder / "roster.csv"
    file.write_bytes(text.encode(encoding))
    return file


def refusal(folder, text):
    with pytest.raises(RosterError) as refused:
        read_roster(write(folder, text))
    assert "\n" not in str(refused.value)
    return str(refused.value)


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20).map(str.strip)
people = st.builds(
    Person,
    user=st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,63}", fullmatch=True),
    name=texts.filter(bool),
    school=texts,
    group=texts,
    role=st.sampled_from(Role),
)


@given(
    st.lists(people, max_size=8, unique_by=lambda person: person.user),
    st.permutations(ROSTER_COLUMNS),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_spreadsheet_writes_is_read_back(tmp_path, everybody, columns, encoding, ending):
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, columns, lineterminator=ending)
    writer.writeheader()
    for one in everybody:
        row = {"user": one.user, "name": one.name, "school": one.school, "class": one.group, "role": one.role}
        writer.writerow(row)
    assert read_roster(write(tmp_path, sheet.getvalue(), encoding)) == everybody


def test_columns_of_no_interest_and_spaces_are_passed_over(tmp_path):
    file = write(tmp_path, f"phone,{HEAD}\n123, student01 , 学生01 ,东校,,student\n")
    assert read_roster(file) == [Person("student01", "学生01", "东校", "", Role.STUDENT)]


def test_rows_of_nothing_below_the_last_person_are_passed_over(tmp_path):
    assert len(read_roster(write(tmp_path, f"{HEAD}\n{GOOD}\n,,,,\n\n,,,,\n"))) == 1


@pytest.mark.parametrize("column", ROSTER_COLUMNS)
def test_a_missing_column_is_named(tmp_path, column):
    head = ",".join(name for name in ROSTER_COLUMNS if name != column)
    said = refusal(tmp_path, f"{head}\n")
    assert "roster.csv, line 1" in said
    assert column in said


def test_an_empty_file_has_no_columns(tmp_path):
    assert "line 1" in refusal(tmp_path, "")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (GOOD, "student01 comes twice"),
        ("student02,学生02,东校,1,dean", "'dean' must be one of student, teacher, lead, operator"),
        ("student02,学生02,东校,1,Student", "'Student'"),
        ("student02,学生02,东校,1", "role"),
        ("student02,,东校,1,student", "student02 has no name"),
        ("Student02,学生02,东校,1,student", "'Student02'"),
        ("../x,学生02,东校,1,student", "'../x'"),
        (".x,学生02,东校,1,student", "'.x'"),
        ("学生,学生02,东校,1,student", "lower-case"),
        (f"{'x' * 65},学生02,东校,1,student", "user name"),
        (",学生02,东校,1,student", "user name"),
        ("student02,学生02,东校,一班,二组,student", "more fields"),
        ("student02,学生02,东校,1,student,x", "more fields"),
        ('student02,"学生02,东校,1,student', "not CSV"),
        (f"student02,{'长' * 200_000},东校,1,student", "not CSV"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(tmp_path, row, says):
    said = refusal(tmp_path, f"{HEAD}\n{GOOD}\n{row}\n")
    assert "roster.csv, line 3" in said
    assert says in said


def test_the_line_is_that_of_the_file_even_below_a_name_over_two_lines(tmp_path):
    assert "line 4" in refusal(tmp_path, f'{HEAD}\nstudent01,"学\n生",东校,1,student\nx,,,,student\n')


def test_a_roster_in_another_encoding_says_how_to_save_it(tmp_path):
    with pytest.raises(RosterError, match="CSV UTF-8"):
        read_roster(write(tmp_path, f"{HEAD}\n{GOOD}\n", "gb18030"))


def test_a_roster_that_is_not_there_is_a_roster_error(tmp_path):
    with pytest.raises(RosterError, match="none"):
        read_roster(tmp_path / "none.csv")


class TestDirectory:
    """The table of people in a real database."""

    @pytest.fixture
    def directory(self, tmp_path):
        return Directory(engine(f"sqlite:///{tmp_path / 'state.sqlite'}"))

    def test_the_last_word_about_a_person_counts(self, directory):
        directory.put([Person("a", "甲", "东校", "1", Role.STUDENT), Person("b", "乙", "东校", "1", Role.STUDENT)])
        directory.put([Person("a", "甲", "西校", "", Role.TEACHER)])
        assert directory.find("a") == Person("a", "甲", "西校", "", Role.TEACHER)
        assert directory.counts() == {Role.STUDENT: 1, Role.TEACHER: 1, Role.LEAD: 0, Role.OPERATOR: 0}

    def test_students_of_a_school_by_class_and_account(self, directory):
        everybody = [
            Person("c", "丙", "东校", "1", Role.STUDENT),
            Person("a", "甲", "东校", "2", Role.STUDENT),
            Person("b", "乙", "东校", "1", Role.STUDENT),
            Person("t", "师", "东校", "1", Role.TEACHER),
            Person("d", "丁", "西校", "1", Role.STUDENT),
        ]
        directory.put(everybody)
        assert [one.user for one in directory.students("东校")] == ["b", "c", "a"]
        assert directory.students("东") == []

    def test_removing_is_final_and_an_unknown_account_is_no_error(self, directory):
        directory.put([Person("a", "甲", "东校", "1", Role.STUDENT)])
        directory.remove(["a", "nobody"])
        directory.put([])
        assert directory.find("a") is None

    def test_names_that_look_like_sql_are_names(self, directory):
        bold = Person("a", "'; DROP TABLE people; --", "东'校", '"', Role.STUDENT)
        directory.put([bold])
        assert directory.students("东'校") == [bold]
