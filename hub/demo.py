"""The demo: two schools with three students and a teacher each, a group lead, an operator; random passwords."""

from __future__ import annotations

import datetime as dt

from exams.demo import Student
from exams.demo import seed as seed_exams
from hub.accounts import Accounts
from hub.accounts_file import accounts_file, read_accounts, write_accounts
from hub.people import Directory, Person, Role
from hub.settings import Settings
from hub.state import engine

SCHOOLS = ("东湖医学院", "西山医学院")
STUDENTS_PER_SCHOOL = 3
GROUP = "2024级1班"


def people() -> list[Person]:
    """Everybody in the demo."""
    found = []
    for place, school in enumerate(SCHOOLS):
        for seat in range(1, STUDENTS_PER_SCHOOL + 1):
            number = place * STUDENTS_PER_SCHOOL + seat
            found.append(Person(f"student{number:02}", f"学生{number:02}", school, GROUP, Role.STUDENT))
        found.append(Person(f"teacher{place + 1:02}", f"教师{place + 1:02}", school, "", Role.TEACHER))
    found.append(Person("lead01", "组长01", "诊断学学科协作组", "", Role.LEAD))
    found.append(Person("operator01", "管理员01", "", "", Role.OPERATOR))
    return found


def seed(settings: Settings) -> None:
    """Create the accounts with new passwords and write them down for the person at the terminal."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    accounts = Accounts(Directory(engine(settings.database_url)), settings.hub_database_url)
    everybody = people()
    write_accounts(settings.home, everybody, accounts.create(everybody))
    students = [Student(one.user, one.name, one.school) for one in everybody if one.role == Role.STUDENT]
    lead = next(one.user for one in everybody if one.role == Role.LEAD)
    teachers = [one.user for one in everybody if one.role == Role.TEACHER]
    seed_exams(settings.home, settings.exams_database_url, students, lead, teachers, dt.datetime.now(dt.UTC))


def clear(settings: Settings) -> None:
    """Remove the demo's accounts: nobody can log in with them any more."""
    accounts = Accounts(Directory(engine(settings.database_url)), settings.hub_database_url)
    accounts.remove(account["name"] for account in read_accounts(settings.home))
    accounts_file(settings.home).unlink()
