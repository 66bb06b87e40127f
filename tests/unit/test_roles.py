"""Roles: what each group may reach, in the hub's own words."""

from jupyterhub.scopes import scope_definitions

from hub.people import Person, Role
from hub.roles import groups_of, load_roles

COURSE = "diagnostics"
ROLES = load_roles(COURSE)


def person(role):
    return Person("x", "某", "东校", "", role)


def scopes_of(role):
    """Every scope that a person of this role has by their groups."""
    groups = set(groups_of(person(role), COURSE))
    return {scope for entry in ROLES if groups & set(entry.get("groups", ())) for scope in entry["scopes"]}


OPEN = {"access:services!service=apps", "access:services!service=exams"}
FORMGRADER = f"access:services!service={COURSE}"


def test_students_reach_labs_and_exams_and_nothing_else():
    assert scopes_of(Role.STUDENT) == OPEN


def test_those_who_mark_reach_formgrader_too():
    assert scopes_of(Role.TEACHER) == OPEN | {FORMGRADER}
    assert scopes_of(Role.LEAD) == OPEN | {FORMGRADER}


def test_operators_run_servers_but_neither_mark_nor_become_others():
    scopes = scopes_of(Role.OPERATOR)
    assert FORMGRADER not in scopes
    assert not {scope for scope in scopes if scope.startswith(("access:servers", "tokens", "admin:", "users"))}


def test_every_scope_is_one_of_the_hubs():
    for entry in ROLES:
        for scope in entry["scopes"]:
            assert scope.split("!")[0] in scope_definitions, scope


def test_nbgraders_groups_have_nbgraders_names():
    # nbgrader 0.9: "formgrade-<course>" may grade, "nbgrader-<course>" is the course's students and staff
    for role in Role:
        groups = groups_of(person(role), COURSE)
        assert groups[0] == role
        assert (f"formgrade-{COURSE}" in groups) == (role in {Role.TEACHER, Role.LEAD})


def test_another_course_is_another_matter():
    assert FORMGRADER not in {scope for entry in load_roles("anatomy") for scope in entry["scopes"]}


def test_no_scope_goes_to_a_single_user():
    assert all("users" not in entry for entry in ROLES)
    assert len({entry["name"] for entry in ROLES}) == len(ROLES)
