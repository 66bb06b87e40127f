"""The build: a course's jupytext percent files become the notebooks that Voila and JupyterLab open.

The same source gives the same bytes: a cell's id is a hash of its lab and place, and nothing of the machine enters.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from courses.catalogue import SOURCE, Catalogue, Lab

KERNEL = "xinglin"
"""The kernelspec of forked kernels (configs/kernels)."""
SPACING_KEYS = {"lines_to_next_cell", "lines_to_end_of_cell_marker"}
"""jupytext's own notes on blank lines in the source; a built notebook is never turned back into one."""
STAMP = "build.stamp"
HEADER_KEYS = {"jupytext", "kernelspec"}


class BuildError(ValueError):
    """A lab that cannot be built; the message names the file and the cell."""


def notebook_of(source: str, lab_id: str, title: str = "") -> Any:
    """The notebook (nbformat v4) of a lab's percent `source`; `title` is what the page is called.

    Raises BuildError for a metadata key or a raw cell, which nothing here reads: it would silently do nothing.
    """
    import jupytext  # these two take two seconds, and most starts find every lab built
    import nbformat

    notebook = jupytext.reads(source, fmt="py:percent")
    if unknown := set(notebook.metadata) - HEADER_KEYS:
        raise BuildError(f"{lab_id}.py: unknown notebook metadata {', '.join(sorted(unknown))}.")
    for place, cell in enumerate(notebook.cells, 1):
        for key in SPACING_KEYS & set(cell.metadata):
            del cell.metadata[key]
        if cell.metadata:
            raise BuildError(f"{lab_id}.py, cell {place}: unknown metadata {', '.join(sorted(cell.metadata))}.")
        if cell.cell_type == "raw":
            raise BuildError(f"{lab_id}.py, cell {place}: a raw cell, or a header that is not below `jupyter:`.")
        cell.id = hashlib.sha256(f"{lab_id}#{place}".encode()).hexdigest()[:16]
    notebook.metadata = nbformat.NotebookNode(
        {
            "kernelspec": {"name": KERNEL, "display_name": "Python 3 (Xinglin)", "language": "python"},
            "language_info": {"name": "python"},
            "title": title,
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def build_lab(lab: Lab, out: Path, source: Path = SOURCE) -> Path:
    """Write the lab's notebook to `out/<course>/<name>.ipynb`, whole or not at all, and return its path."""
    import nbformat

    notebook = notebook_of((source / lab.course / f"{lab.name}.py").read_text("utf-8"), lab.id, lab.title.zh)
    target = out / lab.course / f"{lab.name}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    text: str = nbformat.writes(notebook)
    part = target.with_suffix(".part")
    part.write_text(text + "\n", "utf-8")
    os.replace(part, target)
    return target


def fingerprint(catalogue: Catalogue, source: Path = SOURCE) -> str:
    """A digest of everything the built notebooks depend on."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for lab in catalogue.labs():
        digest.update(f"{lab.id}\0{lab.title.zh}\0".encode() + (source / lab.course / f"{lab.name}.py").read_bytes())
    return digest.hexdigest()


def build(catalogue: Catalogue, out: Path, source: Path = SOURCE) -> list[Path]:
    """Build every lab of `catalogue` into `out`, if anything changed; notebooks of labs that are gone are removed."""
    targets = [out / lab.course / f"{lab.name}.ipynb" for lab in catalogue.labs()]
    stamp, wanted = out / STAMP, fingerprint(catalogue, source)
    if stamp.exists() and stamp.read_text() == wanted and all(target.exists() for target in targets):
        return targets
    for lab in catalogue.labs():
        build_lab(lab, out, source)
    for stale in set(out.glob("*/*.ipynb")) - set(targets):
        stale.unlink()
    stamp.write_text(wanted)
    return targets
