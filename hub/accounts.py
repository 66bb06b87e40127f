"""Accounts: a person plus a password hash in the table of nativeauthenticator, made before or while the hub runs."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import bcrypt
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo

from hub.people import Directory, Person

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without 0/o and 1/l, so that a password can be read off a sheet of paper."""
PASSWORD_LENGTH = 12
"""60 bits: beyond guessing even from the hashes."""
BCRYPT_ROUNDS = 10
"""Enough for random passwords; at 12 a roster of 2,000 would take four times as long."""


def random_password() -> str:
    """A new password of PASSWORD_LENGTH characters."""
    return "".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_LENGTH))


class Accounts:
    """People and their passwords, over the directory and the hub's database."""

    def __init__(self, directory: Directory, hub_database_url: str) -> None:
        self._directory = directory
        logging.disable(logging.INFO)  # alembic would tell its steps to whoever adds an account
        # the hub's own factory: it creates and stamps a new database as the hub expects to find it
        self._session = orm.new_session_factory(hub_database_url)
        logging.disable(logging.NOTSET)

    def exists(self, user: str) -> bool:
        """Whether this account can log in."""
        with self._session() as session:
            return UserInfo.find(session, user) is not None

    def create(self, people: Iterable[Person], progress: Callable[[int], None] = lambda _done: None) -> dict[str, str]:
        """Create or renew accounts, each with a new random password; returns {user: password}.

        `progress` is told after each how many are done. All are written in one transaction, so that a run that is
        cut off leaves no account without a password anybody knows.
        """
        people = list(people)
        passwords = {person.user: random_password() for person in people}
        with ThreadPoolExecutor() as pool, self._session() as session:  # bcrypt lets go of the interpreter's lock
            digests = pool.map(_hash, passwords.values())
            for done, (user, digest) in enumerate(zip(passwords, digests, strict=True), 1):
                if (old := UserInfo.find(session, user)) is not None:
                    session.delete(old)
                session.add(UserInfo(username=user, password=digest, is_authorized=True))
                progress(done)
            session.commit()
        self._directory.put(people)
        return passwords

    def remove(self, users: Iterable[str]) -> None:
        """Remove accounts: their passwords and their people."""
        users = list(users)
        with self._session() as session:
            for user in users:
                if (info := UserInfo.find(session, user)) is not None:
                    session.delete(info)
            session.commit()
        self._directory.remove(users)


def _hash(password: str) -> bytes:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(BCRYPT_ROUNDS))
