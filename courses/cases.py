"""The case library: one folder a case under `$XINGLIN_HOME/cases`, each an image series.

Two cases are built in and made on first use: `phantom-ct`, a multi-slice CT phantom of known densities and sizes
(synthetic), and `ct-small`, the CT slice that comes with pydicom.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from courses import series
from courses.messages import Refusal
from courses.models import phantom
from courses.series import Series

CASE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def make_phantom(folder: Path) -> None:
    """Write the built-in case `phantom-ct` into `folder`."""
    frames = phantom.stored()
    series.write(
        folder,
        Series(
            id="phantom-ct",
            title="CT phantom",
            modality="CT",
            frames=frames.shape[0],
            rows=frames.shape[1],
            columns=frames.shape[2],
            spacing=(phantom.PIXEL_MM, phantom.PIXEL_MM),
            slope=phantom.SLOPE,
            intercept=phantom.INTERCEPT,
            unit="HU",
            windows=(("DICOM", 40.0, 400.0),),
            orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
            positions=tuple(round(index * phantom.SLICE_MM, 6) for index in range(frames.shape[0])),
            synthetic=True,
        ),
        frames,
    )


def make_ct_small(folder: Path) -> None:
    """Write the built-in case `ct-small` (pydicom's CT_small.dcm, MIT licence) into `folder`."""
    from pydicom.data import get_testdata_file

    from courses import ingest

    path = get_testdata_file("CT_small.dcm")
    if not isinstance(path, str):
        raise FileNotFoundError("CT_small.dcm is missing from the pydicom package: install the requirements again")
    ingest.fill(Path(path), folder, case="ct-small", title="CT slice (pydicom CT_small)")


BUILT_IN: dict[str, Callable[[Path], None]] = {"phantom-ct": make_phantom, "ct-small": make_ct_small}


def library(environment: Mapping[str, str] = os.environ) -> CaseStore:
    """The platform's library (XINGLIN_CASES); outside the platform one in the person's own folder."""
    return CaseStore(Path(environment.get("XINGLIN_CASES") or Path.home() / ".xinglin" / "cases"))


class CaseStore:
    """The cases kept under `root`. Safe for several processes: a case appears whole, by one rename, or not at all."""

    def __init__(self, root: Path):
        self.root = root

    def open(self, case: str) -> Series:
        """The series of `case`. Raises Refusal where there is none of that name."""
        if not CASE_ID.fullmatch(case):
            raise Refusal("There is no case “{case}” in the library: choose one of the list.", case=case[:64])
        folder = self.root / case
        if not folder.exists() and case in BUILT_IN:
            return self.add(case, BUILT_IN[case])
        if not (folder / series.META).exists():
            raise Refusal("There is no case “{case}” in the library: choose one of the list.", case=case)
        return series.read(folder)

    def list(self) -> tuple[Series, ...]:
        """Every case, built-in ones first, then by name."""
        kept = {path.parent.name for path in self.root.glob(f"[a-z0-9]*/{series.META}")}
        return tuple(self.open(case) for case in [*BUILT_IN, *sorted(kept - BUILT_IN.keys())])

    def add(self, case: str, fill: Callable[[Path], None]) -> Series:
        """Keep a new case: `fill` writes a series into the folder it is given. An existing case stays as it is."""
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=self.root) as scratch:
            folder = Path(scratch) / case
            folder.mkdir()
            fill(folder)
            series.read(folder)
            self.adopt(folder)
        return self.open(case)

    def adopt(self, folder: Path) -> Series:
        """Move a finished series folder, on the same file system, into the library under its own name."""
        target = self.root / folder.name
        try:
            folder.rename(target)
        except OSError:
            # another process was first, with the same case
            if not (target / series.META).exists():
                raise
            shutil.rmtree(folder)
        return series.read(target)
