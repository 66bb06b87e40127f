"""Groups follow the directory at every log-in, and while somebody is logged in."""

from types import SimpleNamespace

import pytest

from hub.authenticator import XinglinAuthenticator
from hub.people import Directory, Person, Role
from hub.settings import load
from hub.state import engine


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.setenv("XINGLIN_HOME", str(tmp_path))
    return Directory(engine(load().database_url))


async def refreshed(user):
    """What the hub asks for; making a whole authenticator would take a hub's database."""
    return await XinglinAuthenticator.refresh_user(SimpleNamespace(), user)  # type: ignore[arg-type]


async def test_whoever_is_logged_in_has_the_role_of_now(directory):
    user = SimpleNamespace(name="teacher01")
    directory.put([Person("teacher01", "教师", "东校", "", Role.TEACHER)])
    known = await refreshed(user)
    assert known["name"] == "teacher01"
    assert {"teacher", "school:东校", "formgrade-diagnostics"} <= set(known["groups"])
    directory.put([Person("teacher01", "教师", "西校", "", Role.STUDENT)])
    assert (await refreshed(user))["groups"] == ["student", "school:西校"]


async def test_whoever_was_removed_has_no_role(directory):
    user = SimpleNamespace(name="teacher01")
    assert await refreshed(user) == {"name": "teacher01", "groups": []}
