"""Every door of hub, apps and formgrader, tried by each role and by nobody; the exam service has a table of its own."""

import re

import pytest

from hub.handlers import HANDLERS
from tests.support.platform import needs_bwrap

ROLES = (None, "student01", "teacher01", "lead01", "operator01")
LOGIN = 302
APPS, MARKS = "/services/apps/", "/services/diagnostics/"
DOORS = {
    "/hub/home": (LOGIN, 200, 200, 200, 200),
    "/hub/language/en": (302, 302, 302, 302, 302),
    "/hub/notebook/imaging/nothing": (LOGIN, 404, 404, 404, 404),
    "/hub/assets/portal.css": (200, 200, 200, 200, 200),
    "/hub/change-password": (LOGIN, 200, 200, 200, 200),
    "/hub/admin": (LOGIN, 403, 403, 403, 200),
    "/hub/token": (404, 404, 404, 404, 404),
    "/hub/signup": (404, 404, 404, 404, 404),
    "/hub/authorize": (404, 404, 404, 404, 404),
    "/hub/api/users": (403, 403, 403, 403, 200),
    "/hub/api/groups": (403, 403, 403, 403, 403),
    "/hub/api/services": (403, 403, 403, 403, 200),
    "/hub/api/proxy": (403, 403, 403, 403, 403),
    "/hub/metrics": (403, 403, 403, 403, 200),
    f"{APPS}health": (200, 200, 200, 200, 200),
    f"{APPS}voila/render/nothing/nothing.ipynb": (LOGIN, 404, 404, 404, 404),
    f"{APPS}voila/tree": (404, 404, 404, 404, 404),
    f"{APPS}voila/files/physiology/01_nerve.ipynb": (404, 404, 404, 404, 404),
    f"{APPS}report": (405, 405, 405, 405, 405),
}
MARKING = {
    f"{MARKS}formgrader": (LOGIN, 403, 200, 200, 403),
    f"{MARKS}formgrader/gradebook": (LOGIN, 403, 200, 200, 403),
    f"{MARKS}formgrader/api/assignments": (LOGIN, 403, 200, 200, 403),
    f"{MARKS}api/contents": (403, 403, 403, 403, 403),
    f"{MARKS}api/contents/source/dx-open/dx-open.ipynb": (403, 403, 403, 403, 403),
    f"{MARKS}api/kernels": (403, 403, 403, 403, 403),
    f"{MARKS}api/terminals": (404, 404, 404, 404, 404),
    f"{MARKS}files/gradebook/gradebook.db": (LOGIN, 403, 403, 403, 403),
    f"{MARKS}files/source/dx-open/dx-open.ipynb": (LOGIN, 403, 403, 403, 403),
}
DEEDS = {
    "DELETE": "api/contents/gradebook/gradebook.db",
    "PUT": "api/contents/gradebook/own.txt",
    "POST": "api/shutdown",
}


@pytest.fixture(scope="module")
def sessions(platform):
    """Each role, logged in at the hub and, where it may, at both services."""
    found = []
    for user in ROLES:
        session = platform.session(user)
        for service in (f"{APPS}voila/render/nothing/nothing.ipynb", f"{MARKS}formgrader"):
            session.get(platform.url + service, timeout=30)
        found.append(session)
    return found


def answer(platform, session, path):
    """The status of an address, LOGIN where it leads to the login page; ways through a service's log-in are gone."""
    if "/services/diagnostics/" not in path:
        return session.get(platform.url + path, allow_redirects=False, timeout=30).status_code
    reply = session.get(platform.url + path, timeout=30)
    return LOGIN if "/hub/login" in reply.url else reply.status_code


def answers(platform, sessions, path):
    return tuple(answer(platform, session, path) for session in sessions)


@pytest.mark.parametrize(("path", "expected"), DOORS.items(), ids=DOORS)
def test_hub_and_apps_by_role(platform, sessions, path, expected):
    assert answers(platform, sessions, path) == expected


@needs_bwrap()
@pytest.mark.parametrize(("path", "expected"), MARKING.items(), ids=MARKING)
def test_formgrader_by_role(platform, sessions, path, expected):
    assert answers(platform, sessions, path) == expected


@needs_bwrap()
@pytest.mark.parametrize(("method", "path"), DEEDS.items(), ids=DEEDS)
def test_nobody_who_marks_touches_the_gradebooks_file_or_ends_the_service(platform, sessions, method, path):
    for session in sessions:
        token = {"X-XSRFToken": session.cookies.get("_xsrf", path=MARKS) or ""}
        body = {"type": "file", "format": "text", "content": "x"}
        assert session.request(method, platform.url + MARKS + path, json=body, headers=token).status_code == 403
    assert (platform.home / "nbgrader" / "diagnostics" / "gradebook" / "gradebook.db").exists()


def test_every_page_of_ours_is_in_the_table():
    tried = [path.removeprefix("/hub") for path in DOORS]
    assert [pattern for pattern, *_ in HANDLERS if not any(re.fullmatch(pattern, path) for path in tried)] == []
