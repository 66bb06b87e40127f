"""The lock files: `python locks.py` makes them anew, `python locks.py --check` says whether they are in step.

Versions and hashes, never an address, so that any mirror serves them. Runs in `.venv`, which has uv and npm.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent
BIN = Path(sys.prefix) / "bin"
MAIN, DEV, NODE = "requirements.lock", "requirements-dev.lock", "package-lock.json"
COMPILE = [str(BIN / "uv"), "pip", "compile", "--generate-hashes", "--no-emit-index-url", "--no-header", "-q"]


def compile_python(folder: Path) -> None:
    """Write both Python locks into `folder`; versions already locked there stay where they still fit."""
    main = folder / MAIN
    subprocess.run([*COMPILE, "pyproject.toml", "-o", str(main)], cwd=ROOT, check=True)
    subprocess.run(
        [*COMPILE, "--extra", "dev", "-c", str(main), "pyproject.toml", "-o", str(folder / DEV)], cwd=ROOT, check=True
    )


def packages(lock: Path) -> dict[str, str]:
    """{package: version} of a Python lock."""
    entries = (line.split()[0].partition("==") for line in lock.read_text().splitlines() if line[:1].isalnum())
    return {name: version for name, _, version in entries}


def problems() -> list[str]:
    """What is out of step, each in one sentence."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for lock in (MAIN, DEV):
            shutil.copy(ROOT / lock, folder)
        compile_python(folder)
        stale = [lock for lock in (MAIN, DEV) if packages(ROOT / lock) != packages(folder / lock)]
    found = [f"{lock} is not in step with pyproject.toml: run `make lock`." for lock in stale]
    locked = json.loads((ROOT / NODE).read_text())["packages"][""]
    if locked.get("dependencies") != json.loads((ROOT / "package.json").read_text()).get("dependencies"):
        found.append(f"{NODE} is not in step with package.json: run `make lock`.")
    addressed = [lock for lock in (MAIN, DEV) if "://" in (ROOT / lock).read_text()]
    addressed += [NODE] if '"resolved"' in (ROOT / NODE).read_text() else []
    found += [f"{lock} names an address: run `make lock`." for lock in addressed]
    python = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    if f"python {python}" not in conda or {"pip": [f"-r {MAIN}"]} not in conda:
        found.append(f"environment.yml must have `python {python}` and take {MAIN} by pip.")
    return found


def main() -> int:
    """Make the locks, or check them; exit 1 where something is out of step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        found = problems()
        print("\n".join(found) or "The lock files are in step.")
        return bool(found)
    compile_python(ROOT)
    npm = [
        str(BIN / "npm"),
        "install",
        "--package-lock-only",
        "--omit-lockfile-registry-resolved",
        "--no-audit",
        "--no-fund",
    ]
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run(npm, cwd=ROOT, check=True, env={**os.environ, "PATH": path})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
