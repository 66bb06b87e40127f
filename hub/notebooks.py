"""A lab as a notebook in a student's own folder; the folder is the student's, so nothing in it is trusted."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from courses.catalogue import Lab

FOLDER = "labs"


class NotebookCopyError(RuntimeError):
    """The student's folder holds something else in the notebook's place."""


def copy_notebook(built: Path, home: Path, lab: Lab) -> str:
    """Copy the built lab to `home`/labs/ unless the student has one there; returns its path below `home`.

    Every step is taken relative to an open folder and refuses links: the student may have put one anywhere. Raises
    NotebookCopyError where a file or link stands in the way.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = (built / f"{lab.id}.ipynb").read_bytes()
    name = f"{lab.course}_{lab.name}.ipynb"
    with contextlib.ExitStack() as stack:
        try:
            outer = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            stack.callback(os.close, outer)
            with contextlib.suppress(FileExistsError):
                os.mkdir(FOLDER, mode=0o700, dir_fd=outer)
            inner = os.open(FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=outer)
            stack.callback(os.close, inner)
            target = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=inner)
            with os.fdopen(target, "wb") as out:
                out.write(content)
        except FileExistsError:
            pass  # the student's own copy, with their work in it
        except OSError as error:
            raise NotebookCopyError(f"{FOLDER} is not a folder: rename it, then open the lab again.") from error
    return f"{FOLDER}/{name}"
