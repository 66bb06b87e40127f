"""Gets itkwidgets' viewer engine, the few files of npm's itk-vtk-viewer that a scalar volume needs.

Installed as npm means it, the package draws 590 MB behind it; its own tarball is 36 MB, checked against the integrity
hash in `itk_engine.json`, and 5 MB of it are kept in `widgets/static/labextensions/xinglin/itk`, where JupyterLab and
Voila serve them like any lab extension's files.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent
MANIFEST = SOURCE / "itk_engine.json"
PAGE = SOURCE / "itk_page.html"
TARGET = SOURCE / "static" / "labextensions" / "xinglin" / "itk"
STAMP = "engine.stamp"


class EngineError(Exception):
    """The engine cannot be had; one sentence with what to do."""


def integrity(data: bytes) -> str:
    """npm's integrity string of `data` (Subresource Integrity, SHA-512)."""
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


def unpack(tarball: Path, files: dict[str, str], target: Path) -> None:
    """Write the wanted members of `tarball` to their names below `target`. Raises EngineError where one is missing."""
    with tarfile.open(tarball) as archive:
        for member, name in files.items():
            try:
                stream = archive.extractfile(member)
            except KeyError as error:
                raise EngineError(
                    f"{tarball.name} has no {member}: the 3-D engine's manifest is out of step."
                ) from error
            if stream is None:
                raise EngineError(f"{tarball.name}: {member} is not a file: the 3-D engine's manifest is out of step.")
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stream.read())


def download(package: str, folder: Path) -> Path:
    """npm's tarball of `package` in `folder`. Raises EngineError where it cannot be had."""
    tools = Path(sys.executable).parent
    command = [str(tools / "npm"), "pack", package, f"--pack-destination={folder}", "--loglevel=error"]
    path = f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    found = list(folder.glob("*.tgz"))
    if done.returncode or len(found) != 1:
        raise EngineError(f"{package} for the 3-D view could not be downloaded: check the network to the npm registry.")
    return found[0]


def fetch(target: Path = TARGET) -> Path:
    """Bring the engine's files into `target`; returns at once where they are there."""
    manifest = json.loads(MANIFEST.read_text())
    page = PAGE.read_bytes()
    mark = hashlib.sha256(MANIFEST.read_bytes() + page).hexdigest()
    stamp = target / STAMP
    if stamp.exists() and stamp.read_text() == mark:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        tarball = download(manifest["package"], Path(scratch))
        if integrity(tarball.read_bytes()) != manifest["integrity"]:
            raise EngineError(
                f"{manifest['package']} is not the file it should be (integrity): do not use it, try again."
            )
        fresh = Path(scratch) / "itk"
        unpack(tarball, manifest["files"], fresh)
        (fresh / "index.html").write_bytes(page)
        (fresh / STAMP).write_text(mark)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    return target
