"""A whole platform for tests: the real command in a process of its own, with a home and a port of its own."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from requests.cookies import RequestsCookieJar

from hub.sandbox import bwrap
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_S = 180
STOP_S = 40


def needs_bwrap() -> pytest.MarkDecorator:
    """For tests of the sandbox."""
    return pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


def until(found, seconds: float, what: str, every: float = 0.02):
    """Poll `found` until it gives something true, and return that; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(every)
    return value


class Platform:
    """`xinglin serve --demo` with `home`; `url` is its address, `accounts` its demo accounts by name."""

    def __init__(self, home: Path, port: int | None = None):
        self.home = home
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home.parent / f"{home.name}.log"
        self.process: subprocess.Popen[bytes]
        self._sessions: list[requests.Session] = []
        self._logged_in: dict[str, RequestsCookieJar] = {}

    def start(self) -> "Platform":
        environment = {**os.environ, "XINGLIN_HOME": str(self.home), "XINGLIN_PORT": str(self.port)}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hub.cli", "serve", "--demo"],
                cwd=ROOT,
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self._ready, START_S, "the platform answers")
        accounts = json.loads((self.home / "demo-accounts.json").read_text("utf-8"))
        self.accounts = {account["name"]: account for account in accounts}
        if bwrap() is not None:
            until(self._marks, START_S, "formgrader answers", 0.1)
        return self

    def _marks(self) -> bool:
        return requests.get(f"{self.url}/services/diagnostics/api", timeout=10).status_code == 200

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text("utf-8")
        return "Ctrl-C stops it." in self.log.read_text("utf-8")

    def processes(self) -> list[psutil.Process]:
        """The platform's process and all below it."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def part(self, *words: str) -> psutil.Process:
        """The direct child whose command line holds all `words`."""
        return until(lambda: self._part(words), 10, f"a part with {words}")

    def _part(self, words: tuple[str, ...]) -> psutil.Process | None:
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if all(any(word in argument for argument in child.cmdline()) for word in words):
                    return child
        return None

    def stop(self, number: int = signal.SIGINT) -> int:
        for session in self._sessions:
            session.close()
        self.process.send_signal(number)
        return self.process.wait(STOP_S)

    def session(self, user: str | None = None) -> requests.Session:
        """A browser's cookies: of `user` logged in, or of nobody."""
        session = requests.Session()
        self._sessions.append(session)
        session.hooks["response"].append(_utf8)
        if user is not None:
            if user not in self._logged_in:
                self._logged_in[user] = self._log_in(user)
            session.cookies.update(self._logged_in[user])
        return session

    def _log_in(self, user: str) -> RequestsCookieJar:
        """The cookies that the login form gives; a log-in costs half a second of the hub's time."""
        with requests.Session() as session:
            session.get(f"{self.url}/hub/login", timeout=10)
            form = {"username": user, "password": self.accounts[user]["password"]}
            form["_xsrf"] = session.cookies.get("_xsrf", path="/hub/")
            answer = session.post(f"{self.url}/hub/login", data=form, timeout=20)
            assert urlsplit(answer.url).path == "/hub/home", answer.url
            return session.cookies

    def cookies(self, user: str) -> list[Any]:
        """The same for a browser."""
        jar = self.session(user).cookies
        return [
            {
                "name": one.name,
                "value": one.value or "",
                "domain": "127.0.0.1",
                "path": one.path,
                "httpOnly": one.has_nonstandard_attr("HttpOnly"),
            }
            for one in jar
        ]


def _utf8(answer, **_options):
    """JupyterHub names no encoding in its headers; its pages do."""
    answer.encoding = "utf-8"


async def closed(socket) -> None:
    """Close a tornado WebSocket and wait until it is."""
    socket.close()
    while await socket.read_message() is not None:
        pass
