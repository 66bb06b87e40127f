"""A PostgreSQL server of one's own, from the system's programs: a new database in a folder that goes with it.

It listens on a Unix socket in that folder alone, so whoever may look into the folder may connect.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import sqlalchemy as sa

MISSING = "PostgreSQL's server is not installed: apt-get install postgresql"
FOLDERS = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs, one folder a version, most of them not on PATH."""
STARTS_WITHIN_S = 30
SOCKET = ".s.PGSQL.5432"


def programs() -> Path | None:
    """The folder of initdb and postgres, the newest where there are several; None where there is none."""
    if (found := shutil.which("initdb")) is not None:
        return Path(found).resolve().parent
    versions = [path for path in FOLDERS.glob("*/bin") if (path / "initdb").exists()]
    return max(versions, key=lambda path: float(path.parent.name), default=None)


class PostgreSQL:
    """The server, running from `with` on; `url` is its database for SQLAlchemy."""

    def __init__(self) -> None:
        folder = programs()
        if folder is None:
            raise FileNotFoundError(MISSING)
        self._programs = folder
        self._numbers = itertools.count(1)
        # it refuses to run as root, and then another must be able to reach its folder
        self._user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}

    def __enter__(self) -> PostgreSQL:
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self.url = f"postgresql://postgres@/postgres?unix_sock={self._folder / SOCKET}"
        if self._user:
            shutil.chown(self._folder, "postgres", "postgres")
        initdb = [
            self._programs / "initdb",
            "-D",
            self._folder / "data",
            "-U",
            "postgres",
            "--auth=trust",
            "-E",
            "UTF8",
        ]
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, self._folder)
            done = subprocess.run(initdb, cwd="/", capture_output=True, text=True, **self._user)  # type: ignore[call-overload]
            if done.returncode:
                raise RuntimeError(f"initdb failed: {done.stderr}")
            self.start()
            undo.pop_all()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def new_database(self) -> str:
        """The address of an empty database for SQLAlchemy."""
        name = f"database{next(self._numbers)}"
        engine = sa.create_engine(self.url.replace("postgresql:", "postgresql+pg8000:"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.url.replace("/postgres?", f"/{name}?")

    def start(self) -> None:
        """Start it on what is there, and wait until it answers."""
        command = [self._programs / "postgres", "-D", self._folder / "data", "-k", self._folder]
        command += ["-c", "listen_addresses=", "-c", "unix_socket_permissions=0700"]
        with (self._folder.parent / f"{self._folder.name}.log").open("ab") as out:
            Path(out.name).unlink()
            self._process = subprocess.Popen(command, cwd="/", stdout=out, stderr=out, **self._user)  # type: ignore[call-overload]
        ready: list[str | Path] = [self._programs / "pg_isready", "-q", "-h", self._folder]
        end = time.monotonic() + STARTS_WITHIN_S
        while subprocess.run(ready).returncode:
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("PostgreSQL does not start.")
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it, closing its connections (SIGINT), or at once (SIGQUIT); what was committed is there all the same."""
        self._process.send_signal(number)
        self._process.wait()
