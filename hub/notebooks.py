"""A lab as a notebook in a student's own folder; the folder is the student's, so nothing in it is trusted."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from courses.catalogue import Lab

FOLDER = "labs"
NO_FOLDER = {errno.ENOTDIR, errno.ELOOP}


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark `text` for the catalogue; it is translated where it is shown."""
    return text


class NotebookCopyError(RuntimeError):
    """The notebook cannot be put into the student's folder; the message, an English msgid, says what to do."""


IN_THE_WAY = N_("Something else is called “labs” in your folder: rename it there, then open the lab again.")
NO_ROOM = N_("The notebook cannot be written into your folder “labs”: make room there, then open the lab again.")


def copy_notebook(built: Path, home: Path, lab: Lab) -> str:
    """Copy the built lab to `home`/labs/ unless the student has one there; returns its path below `home`.

    Every step is taken relative to an open folder and refuses links: the student may have put one anywhere. Raises
    NotebookCopyError where a file or link stands in the way, or the notebook cannot be written whole.
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
            _write_new(content, name, inner)
        except FileExistsError:
            pass  # the student's own copy, with their work in it
        except OSError as error:
            raise NotebookCopyError(IN_THE_WAY if error.errno in NO_FOLDER else NO_ROOM) from error
    return f"{FOLDER}/{name}"


def _write_new(content: bytes, name: str, folder: int) -> None:
    """Write the new file `name` in an open folder; what cannot be written whole is not left there as the student's."""
    target = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    try:
        with os.fdopen(target, "wb") as out:
            out.write(content)
    except OSError:
        os.unlink(name, dir_fd=folder)
        raise
