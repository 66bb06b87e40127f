"""Roles: what each hub group may reach. A person's groups follow from the directory at every login."""

from __future__ import annotations

from typing import Any

from exams.roster import school_group
from hub.people import Person, Role

GRADING_ROLES = (Role.TEACHER, Role.LEAD)


def groups_of(person: Person, collaboration: str) -> list[str]:
    """The hub groups of a person: role and school; those who mark also get nbgrader's two groups of the course."""
    groups = [str(person.role)]
    if person.school:
        groups.append(school_group(person.school))
    if person.role in GRADING_ROLES:
        groups += [f"formgrade-{collaboration}", f"nbgrader-{collaboration}"]
    return groups


def load_roles(collaboration: str) -> list[dict[str, Any]]:
    """The hub roles, for `c.JupyterHub.load_roles`: scopes go to groups and to services, never to single users."""
    everybody = [str(role) for role in Role]
    return [
        {"name": "labs", "groups": everybody, "scopes": ["access:services!service=apps"]},
        {"name": "exams", "groups": everybody, "scopes": ["access:services!service=exams"]},
        {
            "name": f"formgrade-{collaboration}",
            "groups": [f"formgrade-{collaboration}"],
            "scopes": [f"access:services!service={collaboration}"],
        },
        {
            "name": f"nbgrader-{collaboration}",
            "services": [collaboration],
            "scopes": [f"read:users!group=nbgrader-{collaboration}", f"list:users!group=nbgrader-{collaboration}"],
        },
        {
            "name": "idle-culler",
            "services": ["idle-culler"],
            "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        },
        {
            "name": "operate",
            "groups": [str(Role.OPERATOR)],
            "scopes": [
                "admin-ui",
                "list:users",
                "read:users",
                "read:servers",
                "servers",
                "read:metrics",
                "list:services",
            ],
        },
    ]
