"""Bundles the widgets' front ends: `widgets/<name>.js` with all it imports becomes `widgets/static/<name>.js`.

A front end is the .js that has a .py of the same name; the other .js files are shared modules. Each bundle is one ES
module with its style sheet inside, so that a host (JupyterLab, Voila, the exam room) loads one file. esbuild gives the
same bytes for the same sources; where the bundles are up to date nothing is run.

    python -m widgets.assets
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from widgets.itk_engine import EngineError, fetch

SOURCE = Path(__file__).resolve().parent
STATIC = SOURCE / "static"
ROOT = SOURCE.parent
STAMP = "assets.stamp"


class BuildError(Exception):
    """The assets cannot be made; one sentence with what to do."""


def bundle(name: str) -> Path:
    """Where the bundle of widget `name` lies. Raises BuildError where it has not been built."""
    path = STATIC / f"{name}.js"
    if not path.exists():
        raise BuildError(f"widgets/static/{name}.js is missing: run `python -m widgets.assets` first.")
    return path


def front_ends(source: Path = SOURCE) -> list[Path]:
    """The modules to bundle, sorted: each .js that has a .py of the same name."""
    return sorted(path for path in source.glob("*.js") if path.with_suffix(".py").exists())


def fingerprint(source: Path, esbuild_lock: Path) -> str:
    """A digest of everything a bundle depends on: the sources' names and bytes, and the bundler's version."""
    digest = hashlib.sha256(esbuild_lock.read_bytes())
    digest.update(Path(__file__).read_bytes())
    for path in sorted([*source.glob("*.js"), *source.glob("*.css"), *source.glob("*.py")]):
        digest.update(path.name.encode() + b"\0")
        if path.suffix != ".py":
            digest.update(path.read_bytes())
    return digest.hexdigest()


def up_to_date(source: Path, static: Path, mark: str) -> bool:
    """Whether every bundle exists and was made from what `mark` stands for."""
    stamp = static / STAMP
    return (
        stamp.exists()
        and stamp.read_text() == mark
        and all((static / entry.name).exists() for entry in front_ends(source))
    )


def bundle_all(source: Path = SOURCE, static: Path = STATIC, root: Path = ROOT) -> list[Path]:
    """Bring the bundles in `static` in step with `source`; returns them.

    Raises BuildError where the bundler is missing or refuses a source.
    """
    entries = front_ends(source)
    made = [static / entry.name for entry in entries]
    mark = fingerprint(source, root / "package-lock.json")
    if not entries or up_to_date(source, static, mark):
        return made
    esbuild = root / "node_modules" / ".bin" / "esbuild"
    if not esbuild.exists():
        raise BuildError("The bundler esbuild is missing: run `python3 bootstrap.py` first.")
    static.mkdir(parents=True, exist_ok=True)
    command = [
        str(esbuild),
        *(entry.name for entry in entries),
        f"--outdir={static}",
        *("--bundle", "--format=esm", "--target=es2022", "--minify", "--charset=utf8"),
        *("--loader:.css=text", "--legal-comments=none", "--log-level=warning"),
    ]
    # esbuild's launcher is a Node script; Node lies beside our Python
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(command, cwd=source, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"A widget could not be bundled:\n{done.stderr.strip()}")
    (static / STAMP).write_text(mark)
    return made


def build() -> list[Path]:
    """Everything the browser needs beyond the hosts' own files, in `widgets/static`; returns at once where it is there.

    Raises BuildError with what to do where it cannot be made.
    """
    made = bundle_all()
    try:
        fetch()
    except EngineError as error:
        raise BuildError(str(error)) from error
    return made


def main() -> int:
    """Build and say what was made; 1 with one line on failure."""
    try:
        for path in build():
            print(f"{path.relative_to(ROOT)} {path.stat().st_size / 1024:.0f} kB")
    except BuildError as error:
        print(f"xinglin: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
