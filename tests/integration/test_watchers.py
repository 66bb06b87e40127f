"""Those who watch over an exam and those who mark it, over the real hub: whom they see, and by which name."""

import pytest

from hub.demo import SCHOOLS, people

EXAM = "dx-finished"
NAMES = {person.name for person in people()} | set(SCHOOLS) | {person.user for person in people()}
WATCHED = {"teacher01": {SCHOOLS[0]}, "teacher02": {SCHOOLS[1]}, "lead01": set(SCHOOLS), "operator01": set(SCHOOLS)}


@pytest.mark.parametrize(("user", "schools"), WATCHED.items(), ids=WATCHED)
def test_the_desk_shows_the_candidates_that_are_the_watchers_business(platform, user, schools):
    session = platform.session(user)
    session.get(f"{platform.url}/services/exams/", timeout=20)
    watched = session.get(f"{platform.url}/services/exams/api/{EXAM}/watch", timeout=20).json()["candidates"]
    assert {candidate["school"] for candidate in watched} == schools
    assert len(watched) == 3 * len(schools)


def test_a_student_has_no_desk(platform):
    session = platform.session("student01")
    session.get(f"{platform.url}/services/exams/", timeout=20)
    for path in (f"{EXAM}/desk", f"api/{EXAM}/watch"):
        assert session.get(f"{platform.url}/services/exams/{path}", timeout=20).status_code == 404


def test_a_marker_sees_numbers_and_never_who_they_are(platform):
    """Every list and page of formgrader that shows candidates, a single submission to be marked included."""
    marker = platform.session("teacher01")
    site = f"{platform.url}/services/diagnostics/formgrader"
    marker.get(f"{site}/gradebook", timeout=30)
    name = EXAM  # the assignment of its only form

    def read(path):
        answer = marker.get(f"{site}/{path}", timeout=30)
        assert answer.status_code == 200, path
        return answer

    papers = read(f"api/submitted_notebooks/{name}/{name}").json()
    submissions = read(f"api/submissions/{name}").json()
    assert {one["student"] for one in submissions} == {f"DX{place:04}" for place in range(1, 7)}
    assert {one[part] for one in submissions for part in ("first_name", "last_name")} == {None}
    lists = [f"api/submitted_notebooks/{name}/{name}", f"api/submissions/{name}", "api/students", "manage_students"]
    lists += [f"manage_submissions/{name}", f"gradebook/{name}/{name}", "api/student_submissions/DX0001"]
    pages = [read(path).text for path in lists] + [read(f"submissions/{paper['id']}").text for paper in papers]
    # the marker's own name may stand in the page's head
    assert [word for word in NAMES - {"teacher01"} if any(word in page for page in pages)] == []
