"""Opens images from outside into the case library, in a process of its own with limits on memory, time and disk.

The caller's process never parses a byte of them: what a hostile or broken file can take down is a child that was going
to end anyway. `ingest` is for callers; `python -m courses.ingest` is that child.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from courses import decoding, dicom, series
from courses.cases import CaseStore
from courses.dicom import Plane
from courses.messages import Message, Refusal
from courses.series import Series, Window
from courses.sources import Limits, Opener, openers

RESULT = "result.json"
UNEVEN_MM = 0.05
"""Slice gaps that differ by more are told to the reader."""


def ingest(source: str, store: CaseStore, *, title: str = "", limits: Limits | None = None) -> Series:
    """Open a DICOM file, folder, zip or DICOMweb address and keep its largest series as a case.

    The case's id is made from its content, so the same images opened twice are one case. Raises Refusal with one
    sentence where they cannot be shown. Takes `limits.seconds` at most; call it from a thread where that matters.
    """
    limits = limits or Limits()
    store.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".open-", dir=store.root) as scratch:
        order = json.dumps({"source": source, "title": title, "limits": asdict(limits)})
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TMPDIR": scratch}
        child = subprocess.Popen(
            [sys.executable, "-m", "courses.ingest", scratch],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
            text=True,
        )
        try:
            child.communicate(order, timeout=limits.seconds)
        except subprocess.TimeoutExpired:
            raise Refusal(
                "Opening took longer than {seconds} seconds and was stopped: open fewer images.", seconds=limits.seconds
            ) from None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        result = Path(scratch) / RESULT
        if child.returncode or not result.exists():
            raise Refusal("The images need more memory than allowed, or break the decoder: they cannot be opened.")
        answer = json.loads(result.read_text(encoding="utf-8"))
        if "refused" in answer:
            raise Refusal(answer["refused"], **answer["values"])
        return store.adopt(Path(scratch) / answer["case"])


def fill(source: Path, folder: Path, *, case: str, title: str) -> Series:
    """Write the series at `source` into `folder` as `case`, in this process: for files that come with us only."""
    return _fill(openers(str(source), Limits()), folder, case, title, Limits())


def _fill(files: list[Opener], folder: Path, case: str, title: str, limits: Limits) -> Series:
    chosen, left_out = _largest(files)
    ordered, positions = dicom.in_order(chosen)
    middle = ordered[len(ordered) // 2]
    if len(ordered) * middle.rows * middle.columns * 2 > limits.pixel_bytes:
        raise Refusal(
            "The series is larger than {megabytes} MB, the limit: open fewer images.",
            megabytes=limits.pixel_bytes >> 20,
        )
    slope, intercept, exact = _scale(files, ordered)
    stack = np.lib.format.open_memmap(
        folder / series.FRAMES, mode="w+", dtype="<i2", shape=(len(ordered), middle.rows, middle.columns)
    )
    slots = {(plane.file, plane.frame): slot for slot, plane in enumerate(ordered)}
    for plane, values in _arrays(files, ordered):
        real = values.astype(np.float64) * plane.slope + plane.intercept
        stored = (real - intercept) / slope
        stack[slots[plane.file, plane.frame]] = np.clip(np.rint(stored), -32768, 32767)
    stack.flush()
    notices = [*middle.notices, *_spacing_notices(positions)]
    if left_out:
        notices.append(Message("{count} other files or images were left out of this series.", {"count": left_out}))
    if not exact:
        notices.append(Message("Values are kept in 65,536 steps: measured values are rounded to one of them."))
    return series.write(
        folder,
        Series(
            id=case,
            title=title or f"{middle.modality} {middle.columns} × {middle.rows} × {len(ordered)}",
            modality=middle.modality,
            frames=len(ordered),
            rows=middle.rows,
            columns=middle.columns,
            spacing=middle.spacing,
            slope=slope,
            intercept=intercept,
            unit=middle.unit,
            windows=middle.windows or _own_window(stack[len(ordered) // 2], middle, slope, intercept),
            orientation=middle.orientation,
            positions=positions,
            inverted=middle.inverted,
            notices=tuple(notices),
        ),
    )


def _largest(files: list[Opener]) -> tuple[list[Plane], int]:
    """The planes of the series with the most of them, and how many files or images were left out.

    Raises the commonest Refusal where no file can be shown.
    """
    groups: dict[tuple[object, ...], list[Plane]] = {}
    refused: list[Refusal] = []
    for number, opener in enumerate(files):
        try:
            with opener() as stream:
                for plane in dicom.planes(dicom.read(stream), number):
                    groups.setdefault(plane.group, []).append(plane)
        except Refusal as refusal:
            refused.append(refusal)
    if not groups:
        common, _ = Counter(str(refusal) for refusal in refused).most_common(1)[0]
        raise next(refusal for refusal in refused if str(refusal) == common)
    best = max(groups.values(), key=len)
    return best, len(refused) + sum(len(group) for group in groups.values()) - len(best)


def _arrays(files: list[Opener], ordered: list[Plane]) -> Iterator[tuple[Plane, npt.NDArray[Any]]]:
    """Every plane's values as decoded, file by file. Raises Refusal where one cannot be decoded."""
    by_file: dict[int, dict[int, Plane]] = {}
    for plane in ordered:
        by_file.setdefault(plane.file, {})[plane.frame] = plane
    for number, wanted in by_file.items():
        with files[number]() as stream:
            got = 0
            for index, values in enumerate(decoding.frames(dicom.read(stream), stream)):
                if index not in wanted:
                    continue
                plane = wanted[index]
                if values.shape != (plane.rows, plane.columns):
                    raise Refusal("The image data are damaged or incomplete: export the file again from its source.")
                got += 1
                yield plane, values
            if got != len(wanted):
                raise Refusal("The image data are damaged or incomplete: export the file again from its source.")


def _scale(files: list[Opener], ordered: list[Plane]) -> tuple[float, float, bool]:
    """(slope, intercept, exact) that the kept 16-bit values have.

    Exact: the values of the file, shifted where they are unsigned and use the sixteenth bit. Where the slices differ in
    scale (PET) or have more than 16 bits, the range of all is divided anew.
    """
    first = ordered[0]
    one_scale = len({(plane.slope, plane.intercept) for plane in ordered}) == 1
    if one_scale and first.bits <= 16:
        probe = next(values for _, values in _arrays(files, ordered[:1]))
        if np.issubdtype(probe.dtype, np.integer):
            shift = 32768 if first.bits == 16 and not first.signed else 0
            return first.slope, first.intercept + shift * first.slope, True
    low, high = np.inf, -np.inf
    for plane, values in _arrays(files, ordered):
        real = values.astype(np.float64) * plane.slope + plane.intercept
        finite = real[np.isfinite(real)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        raise Refusal("The image data are damaged or incomplete: export the file again from its source.")
    return max((high - low) / 65534, 1e-12), (high + low) / 2, False


def _own_window(frame: npt.NDArray[np.int16], plane: Plane, slope: float, intercept: float) -> tuple[Window, ...]:
    """A window for an image that brings none: soft tissue for CT, all 8 bits, else nearly all of its values."""
    if plane.unit == "HU":
        return (("auto", 40.0, 400.0),)
    if plane.bits <= 8 and slope == 1:
        return (("full", 128.0, 256.0),)
    low, high = (float(end) * slope + intercept for end in np.percentile(frame, (0.5, 99.5)))
    return (("auto", round((low + high) / 2, 3), max(1.0, round(abs(high - low), 3))),)


def _spacing_notices(positions: tuple[float, ...] | None) -> list[Message]:
    gaps = np.diff(positions) if positions and len(positions) > 2 else np.zeros(1)
    if np.ptp(gaps) > UNEVEN_MM:
        return [Message("The slices are not evenly spaced: some may be missing.")]
    return []


def _confine(limits: Limits) -> None:
    """Bind this process: memory, processor time, size of a file it writes, no core file."""
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_FSIZE, max(limits.pixel_bytes, limits.total_bytes) + 4096),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def _content_id(folder: Path, modality: str) -> str:
    digest = hashlib.sha256((folder / series.META).read_bytes())
    with (folder / series.FRAMES).open("rb") as frames:
        while chunk := frames.read(1 << 20):
            digest.update(chunk)
    return f"{modality.lower()}-{digest.hexdigest()[:10]}"


def main() -> int:
    """The child: reads its order from stdin, writes a case or a refusal into the folder given."""
    scratch = Path(sys.argv[1])
    order = json.load(sys.stdin)
    limits = Limits(**order["limits"])
    _confine(limits)
    warnings.simplefilter("ignore")
    folder = scratch / "case"
    folder.mkdir()
    try:
        made = _fill(openers(order["source"], limits), folder, "case", order["title"], limits)
        case = _content_id(folder, made.modality)
        (folder / series.META).write_text(
            (folder / series.META).read_text(encoding="utf-8").replace('"id": "case"', f'"id": "{case}"', 1),
            encoding="utf-8",
        )
        folder.rename(scratch / case)
        answer: dict[str, Any] = {"case": case}
    except Refusal as refusal:
        answer = {"refused": refusal.message.text, "values": refusal.message.values}
    (scratch / RESULT).write_text(json.dumps(answer), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
