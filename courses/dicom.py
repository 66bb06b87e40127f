"""What a DICOM object says about its image: geometry, value scale, windows. A whitelist: nothing else is ever read.

`pydicom.Dataset` in, `Plane`s out; every object that cannot be shown raises `Refusal` with one sentence.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from courses.messages import Message, Refusal
from courses.series import Window

Cosines = tuple[float, float, float, float, float, float]

BARE_SYNTAX: dict[tuple[bool | None, bool | None], UID] = {
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}
"""(implicit VR, little endian), as the parser found it -> transfer syntax; a bare data set is never compressed."""

UNIT_TOLERANCE = 0.01
"""How far a direction's length, and the dot product of the two, may be from 1 and 0."""

TEXT_PRONE = {"US", "SC", "XA", "RF", "OT", "ES", "XC", "GM", "IVUS", "CR", "DX", "MG"}
"""Modalities whose pictures often carry burned-in text."""


@dataclass(frozen=True)
class Plane:
    """One frame of one file, and where it lies. `spacing` is (row, column) in mm."""

    file: int
    frame: int
    group: tuple[object, ...]
    modality: str
    rows: int
    columns: int
    number: int
    position: tuple[float, float, float] | None
    orientation: Cosines | None
    spacing: tuple[float, float] | None
    slope: float
    intercept: float
    unit: str
    windows: tuple[Window, ...]
    bits: int
    signed: bool
    colour: bool
    inverted: bool
    notices: tuple[Message, ...]


def read(stream: BinaryIO) -> Dataset:
    """The data set in `stream`. Raises Refusal where it is not DICOM or damaged."""
    try:
        try:
            dataset: Dataset = dcmread(stream)
        except InvalidDicomError:
            stream.seek(0)
            dataset = _read_bare(stream)
    except (Refusal, MemoryError):
        raise
    except Exception as error:  # hostile bytes make a parser raise anything; whatever it was, the file is unusable
        raise Refusal("The file is damaged and cannot be read: export it again from its source.") from error
    if str(dataset.file_meta.get("MediaStorageSOPClassUID", "")) == "1.2.840.10008.1.3.10":
        raise Refusal("This is a DICOMDIR, the index of a disc: open the folder that holds the images instead.")
    return dataset


def _read_bare(stream: BinaryIO) -> Dataset:
    """A data set without the file header, as some exports and old archives write it."""
    dataset = dcmread(stream, force=True)
    if "SOPClassUID" not in dataset:
        raise Refusal("This is not a DICOM file: choose files exported as DICOM (usually .dcm).")
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = BARE_SYNTAX[dataset.original_encoding]
    return dataset


def _numbers(dataset: Dataset, keyword: str, count: int | None = None) -> tuple[float, ...] | None:
    """The finite numbers of an attribute; None where it is absent, malformed or not `count` long."""
    try:
        value = dataset.get(keyword)
        if value is None or value == "":
            return None
        found = tuple(float(part) for part in (value if np.iterable(value) and not isinstance(value, str) else [value]))
    except (TypeError, ValueError, OverflowError, NotImplementedError):
        return None
    if not all(math.isfinite(part) for part in found) or (count is not None and len(found) != count):
        return None
    return found or None


def _number(dataset: Dataset, keyword: str, default: float) -> float:
    found = _numbers(dataset, keyword, 1)
    return found[0] if found else default


def _pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    found = _numbers(dataset, keyword, 2)
    return (found[0], found[1]) if found and min(found) > 0 else None


def _orientation(dataset: Dataset) -> Cosines | None:
    found = _numbers(dataset, "ImageOrientationPatient", 6)
    if not found:
        return None
    row, column = np.array(found[:3]), np.array(found[3:])
    off = (np.linalg.norm(row) - 1, np.linalg.norm(column) - 1, row @ column)
    return found if max(map(abs, off)) <= UNIT_TOLERANCE else None  # type: ignore[return-value]


def _windows(dataset: Dataset) -> tuple[Window, ...]:
    centers, widths = _numbers(dataset, "WindowCenter") or (), _numbers(dataset, "WindowWidth") or ()
    return tuple(("DICOM", center, width) for center, width in zip(centers, widths, strict=False) if width >= 1)[:4]


def _spacing(dataset: Dataset) -> tuple[tuple[float, float] | None, tuple[Message, ...]]:
    """(row, column) in mm with what to say about it. An ultrasound region's own scale (PS3.3 C.8.5.5) is not taken: it
    holds inside that region only, and a length outside it would be wrong without anybody noticing."""
    found = _pair(dataset, "PixelSpacing")
    if found:
        return found, ()
    found = _pair(dataset, "ImagerPixelSpacing")
    if found:
        return found, (
            Message("Lengths are measured at the detector: the body lies before it and is smaller than it reads."),
        )
    return None, ()


def _part(groups: Dataset | None, keyword: str) -> Dataset | None:
    sequence = groups.get(keyword) if groups is not None else None
    return sequence[0] if sequence else None


def _frame_view(dataset: Dataset, index: int) -> Dataset:
    """The attributes of one frame on one level: an enhanced object keeps them in functional groups (PS3.3 C.7.6.16)."""
    shared = _part(dataset, "SharedFunctionalGroupsSequence")
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or []
    own = frames[index] if index < len(frames) else None
    view = Dataset()
    wanted = {
        "PixelMeasuresSequence": ("PixelSpacing",),
        "PlanePositionSequence": ("ImagePositionPatient",),
        "PlaneOrientationSequence": ("ImageOrientationPatient",),
        "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
        "FrameVOILUTSequence": ("WindowCenter", "WindowWidth"),
    }
    for sequence, keywords in wanted.items():
        part = _part(own, sequence) or _part(shared, sequence) or dataset
        for keyword in keywords:
            if keyword in part:
                view.add(part[keyword])
    return view


def _refuse_unshowable(dataset: Dataset) -> None:
    if str(dataset.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        raise Refusal(
            "The file says that text is burned into its picture, which may name a patient: "
            "blank that part out, then open it again."
        )
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise Refusal("The file holds no image (no pixel data): choose an image object such as CT, MR or ultrasound.")
    rows, columns = _number(dataset, "Rows", 0), _number(dataset, "Columns", 0)
    if not (rows > 0 and columns > 0):
        raise Refusal("The file does not say how large its image is (rows and columns): export it again.")


def _notices(dataset: Dataset, modality: str, colour: bool) -> tuple[Message, ...]:
    found = []
    if colour:
        found.append(Message("A colour image, shown by its brightness (luminance)."))
    if str(dataset.get("LossyImageCompression", "")).strip() == "01":
        found.append(Message("The image was compressed with loss: values measured in it are approximate."))
    if modality in TEXT_PRONE and str(dataset.get("BurnedInAnnotation", "")).strip().upper() != "NO":
        found.append(Message("Look for text in the picture before you show it: the file does not say there is none."))
    return tuple(found)


def planes(dataset: Dataset, file: int) -> list[Plane]:
    """The frames of a data set that came from file number `file`. Raises Refusal where it cannot be shown."""
    _refuse_unshowable(dataset)
    modality = str(dataset.get("Modality", "")).strip()
    modality = modality if re.fullmatch(r"[A-Z]{2,16}", modality) else "OT"
    photometric = str(dataset.get("PhotometricInterpretation", "")).strip()
    colour = _number(dataset, "SamplesPerPixel", 1) == 3 or photometric == "PALETTE COLOR"
    notices = _notices(dataset, modality, colour)
    count = max(1, int(_number(dataset, "NumberOfFrames", 1)))
    if "SharedFunctionalGroupsSequence" in dataset or "PerFrameFunctionalGroupsSequence" in dataset:
        views = (_frame_view(dataset, index) for index in range(count))
        return [_plane(dataset, view, file, index, modality, colour, notices) for index, view in enumerate(views)]
    first = _plane(dataset, dataset, file, 0, modality, colour, notices)
    return [replace(first, frame=index) for index in range(count)]


def _plane(
    dataset: Dataset, view: Dataset, file: int, index: int, modality: str, colour: bool, notices: tuple[Message, ...]
) -> Plane:
    """One frame, from the data set and the `view` of it that holds for this frame."""
    spacing, spacing_notices = _spacing(view)
    if spacing is None and view is not dataset:
        spacing, spacing_notices = _spacing(dataset)
    orientation, place = _orientation(view), _numbers(view, "ImagePositionPatient", 3)
    turned = tuple(round(part, 2) for part in orientation) if orientation else None
    rescaled = not colour and _numbers(view, "RescaleIntercept", 1) is not None
    kind = str(view.get("RescaleType", "HU")).strip() or "HU"
    rows, columns = int(_number(dataset, "Rows", 0)), int(_number(dataset, "Columns", 0))
    return Plane(
        file=file,
        frame=index,
        group=(str(dataset.get("SeriesInstanceUID", "")), rows, columns, colour, turned),
        modality=modality,
        rows=rows,
        columns=columns,
        number=int(_number(dataset, "InstanceNumber", 0)),
        position=(place[0], place[1], place[2]) if place else None,
        orientation=orientation,
        spacing=spacing,
        slope=(_number(view, "RescaleSlope", 1) or 1.0) if rescaled else 1.0,
        intercept=_number(view, "RescaleIntercept", 0) if rescaled else 0.0,
        unit="HU" if rescaled and modality == "CT" and kind in {"HU", "US"} else "",
        windows=() if colour else _windows(view),
        bits=8 if colour else int(_number(dataset, "BitsStored", 16)),
        signed=not colour and _number(dataset, "PixelRepresentation", 0) == 1,
        colour=colour,
        inverted=str(dataset.get("PhotometricInterpretation", "")).strip() == "MONOCHROME1",
        notices=notices + spacing_notices,
    )


def in_order(found: list[Plane]) -> tuple[list[Plane], tuple[float, ...] | None]:
    """The planes along their common normal (PS3.3 C.7.6.2.1.1) with their places in mm, ascending.

    Where a plane does not say where it lies, by instance number and frame, and no places.
    """
    orientation = found[0].orientation
    if orientation is None or any(plane.position is None for plane in found):
        return sorted(found, key=lambda plane: (plane.number, plane.file, plane.frame)), None
    normal = np.cross(orientation[:3], orientation[3:])
    place = {id(plane): float(normal @ np.array(plane.position)) for plane in found}
    ordered = sorted(found, key=lambda plane: (place[id(plane)], plane.number, plane.frame))
    return ordered, tuple(round(place[id(plane)], 3) for plane in ordered)
