"""Makes the environment `.venv` and the Node packages, with nothing but Python's standard library.

`make run`, `make test` and `make check` call it first; in step with the lock files it returns at once.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
MINIMUM_PYTHON = (3, 11)
DEBIAN_POSTGRESQL = Path("/usr/lib/postgresql")
"""Debian's PostgreSQL, whose programs are not on PATH."""
SOURCES = ROOT / "build" / "sdists"
"""Source distributions that tests need."""
ENGINE = ROOT / "widgets" / "static" / "labextensions" / "xinglin" / "itk" / "engine.stamp"
"""What widgets/itk_engine.py leaves when the engine is there."""
TESTED = ("jupyter-client",)
"""Packages whose own tests are run against our parts."""


class SetupError(Exception):
    """What went wrong and what to do, in one line."""


def say(text: str) -> None:
    """Tell the person at the terminal what is going on."""
    print(f"==> {text}", flush=True)


def stamp(*files: Path) -> str:
    """A fingerprint of `files` and of the Python in use: the environment is in step while it stays the same."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def run(command: list[str], failure: str, **environment: str) -> None:
    """Run `command` quietly; on failure show what it printed and raise SetupError with `failure`."""
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except OSError as error:
        raise SetupError(f"{failure} ({error})") from error
    if done.returncode:
        sys.stderr.write("".join(done.stdout.splitlines(keepends=True)[-15:]))
        raise SetupError(failure)


def locked(package: str, lock: Path) -> str:
    """The entry of `package` in `lock`, with its hashes."""
    found = re.search(rf"^{package}==.*?[^\\]$", lock.read_text(), re.MULTILINE | re.DOTALL)
    if not found:
        raise SetupError(f"{lock.name} does not name {package}: make it again with `make lock`.")
    return found.group() + "\n"


def python_packages(lock: Path) -> None:
    """Create `.venv` and bring it in step with `lock`; the packages of this tree are importable in it."""
    mark = VENV / "lock.stamp"
    wanted = stamp(lock, ROOT / "pyproject.toml") + lock.name
    # the packages for development hold all those for running, so they serve both
    if mark.exists() and mark.read_text() in {
        wanted,
        stamp(ROOT / "requirements-dev.lock", ROOT / "pyproject.toml") + "requirements-dev.lock",
    }:
        return
    say("Python packages: creating .venv" if not VENV.exists() else "Python packages: bringing .venv in step")
    try:
        mark.unlink(missing_ok=True)  # until all is installed, the environment is in step with nothing
        venv.EnvBuilder(with_pip=True).create(VENV)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:  # ValueError: a file stands in the way
        raise SetupError(
            f"Python cannot create {VENV.name} ({error}). On Debian or Ubuntu: apt-get install python3-venv."
        ) from error
    python = str(VENV / "bin" / "python")
    network = (
        "The Python packages could not be installed: check the network to PyPI and the disk space, "
        "then run the same command again."
    )
    installer = VENV / "uv.lock"
    installer.write_text(locked("uv", lock))
    run([python, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "-r", str(installer)], network)
    say(f"Python packages: installing {lock.name} (a few minutes on a slow line)")
    uv = str(VENV / "bin" / "uv")
    # like pip, uv then trusts whom the system trusts: a college's network may end TLS itself
    certificates = {"UV_SYSTEM_CERTS": "1"}
    run([uv, "pip", "sync", "--python", python, "--require-hashes", "-q", str(lock)], network, **certificates)
    run(
        [uv, "pip", "install", "--python", python, "-q", "--no-deps", "--no-build-isolation", "-e", "."],
        network,
        **certificates,
    )
    mark.write_text(wanted)


def source_distribution(package: str, lock: Path) -> Path | None:
    """The source distribution of a locked package if it was fetched; its hash is the lock's."""
    hashes = set(re.findall(r"sha256:(\w+)", locked(package, lock)))
    archives = SOURCES.glob("*.tar.gz")
    return next((file for file in archives if hashlib.sha256(file.read_bytes()).hexdigest() in hashes), None)


def source_distributions(lock: Path) -> None:
    """Fetch the packages of which tests run the package's own tests, into SOURCES."""
    for package in TESTED:
        if source_distribution(package, lock) is not None:
            continue
        say(f"Source of {package}: for its own tests")
        SOURCES.mkdir(parents=True, exist_ok=True)
        wanted = SOURCES / f"{package}.txt"
        wanted.write_text(locked(package, lock))
        # pip asks the package's build system for its name; that is in the lock too, and nothing else may be fetched
        options = ["--require-hashes", "--no-deps", "--no-binary", ":all:", "--no-build-isolation", "-q"]
        run(
            [str(VENV / "bin" / "python"), "-m", "pip", "download", *options, "-d", str(SOURCES), "-r", str(wanted)],
            f"The source of {package} could not be fetched: check the network to PyPI, then run this again.",
        )


def front_ends() -> None:
    """Bundle the widgets and fetch the 3-D viewer's engine, which `xinglin serve` would do at its first start."""
    if ENGINE.exists():
        return
    say("Front ends: bundles and the 3-D viewer's engine")
    run(
        [str(VENV / "bin" / "python"), "-m", "widgets.assets"],
        "The front ends could not be made: check the network to the npm registry, then run the same command again.",
    )


def kernelspec() -> None:
    """Put our kernel among the environment's; an editable install leaves data files out."""
    name = Path("kernels") / "xinglin"
    try:
        shutil.copytree(ROOT / "configs" / name, VENV / "share" / "jupyter" / name, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise SetupError(
            f"Our kernel could not be put into {VENV.name} ({error}): remove {VENV.name}, then run the command again."
        ) from error


def node_packages(development: bool) -> None:
    """Bring `node_modules` in step with package-lock.json, with the Node that came from PyPI."""
    mark = ROOT / "node_modules" / "lock.stamp"
    running = stamp(ROOT / "package-lock.json")
    tested = f"{running} dev"  # with what tests need, which serves both
    if mark.exists() and mark.read_text() in ({tested} if development else {running, tested}):
        return
    say("Node packages: proxy and bundler")
    omitted = [] if development else ["--omit=dev"]
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    run(
        [str(VENV / "bin" / "npm"), "ci", *omitted, "--no-audit", "--no-fund", "--loglevel=error"],
        "The Node packages could not be installed: check the network to the npm registry, then run the command again.",
        PATH=path,
    )
    mark.write_text(tested if development else running)


def programs() -> None:
    """What tests run besides: Chromium, bubblewrap, PostgreSQL and `ip`; from Debian where missing, if that may be."""
    chromiums = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    missing = [] if any(map(shutil.which, chromiums)) else ["chromium-headless-shell"]
    missing += [] if shutil.which("bwrap") else ["bubblewrap"]
    missing += [] if shutil.which("ip") else ["iproute2"]
    missing += [] if shutil.which("initdb") or any(DEBIAN_POSTGRESQL.glob("*/bin/initdb")) else ["postgresql"]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"Programs for the tests: {', '.join(missing)}")
        network = "Debian's packages could not be installed: check the network, then run the same command again."
        run(["apt-get", "update", "-q"], network)
        run(
            ["apt-get", "install", "-yq", "--no-install-recommends", *missing],
            network,
            DEBIAN_FRONTEND="noninteractive",
        )
    elif "chromium-headless-shell" in missing:
        say("Programs for the tests: Playwright's Chromium")
        failure = "No Chromium could be installed: install one with your system's package manager."
        run([str(VENV / "bin" / "playwright"), "install", "chromium"], failure)


def main() -> int:
    """Set up; exit 1 with one clear line where that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    parser.add_argument("--programs", action="store_true", help="also the programs that tests run")
    options = parser.parse_args()
    try:
        if sys.version_info < MINIMUM_PYTHON:
            raise SetupError(
                f"Python {'.'.join(map(str, MINIMUM_PYTHON))} or newer is needed; this is {sys.version.split()[0]}."
            )
        if shutil.disk_usage(ROOT).free < 2 * 1024**3:
            raise SetupError("Less than 2 GB of disk space is free here: make room, then run the same command again.")
        python_packages(ROOT / ("requirements-dev.lock" if options.dev else "requirements.lock"))
        if options.dev:
            source_distributions(ROOT / "requirements-dev.lock")
        kernelspec()
        node_packages(options.dev)
        if options.dev:
            front_ends()
        if options.programs:
            programs()
    except SetupError as stop:
        print(f"xinglin: {stop}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
