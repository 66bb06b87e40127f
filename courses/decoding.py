"""Pixel data to arrays, whatever the transfer syntax. See docs/adr/0002-image-decoders.md for the choice of decoders.

Runs in the ingest process only: compressed streams are hostile until proven otherwise.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import gdcm
import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from courses.messages import Refusal

Array = npt.NDArray[Any]

LUMA = np.array([0.299, 0.587, 0.114])
"""Brightness of red, green and blue: ITU-R BT.601, which DICOM's YBR_FULL uses too (PS3.3 C.7.6.3.1.2)."""

GDCM_ALONE = {f"1.2.840.10008.1.2.4.{number}" for number in (51, 53, 55)}
"""JPEG with 12 bits (extended, spectral selection, full progression): GDCM reads them, pydicom does not ask it to."""


def frames(dataset: Dataset, stream: BinaryIO) -> Iterator[Array]:
    """The frames of a data set read from `stream`, each (rows, columns), colour as 8-bit luminance.

    Raises Refusal where no decoder can read them or the data are damaged.
    """
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise Refusal("The file does not say how it is encoded (no transfer syntax): export it again.")
    try:
        yield from _decoded(dataset, stream, UID(syntax))
    except (Refusal, MemoryError):
        raise
    except NotImplementedError as error:
        raise Refusal(
            "The image is compressed as {syntax}, which cannot be read: export it uncompressed, or as JPEG 2000.",
            syntax=UID(syntax).name,
        ) from error
    except Exception as error:  # decoders raise anything on damaged data; whatever it was, the image is unusable
        raise Refusal("The image data are damaged or incomplete: export the file again from its source.") from error


def _decoded(dataset: Dataset, stream: BinaryIO, syntax: UID) -> Iterator[Array]:
    if str(syntax) in GDCM_ALONE and dataset.get("BitsStored", 8) > 8:
        yield from _by_gdcm(dataset, stream)
        return
    # one by one: pydicom's own iteration fails on JPEG 2000 whose sign differs from the header's (a read-only array)
    for index in range(max(1, int(dataset.get("NumberOfFrames") or 1))):
        yield _grey(pixel_array(dataset, index=index), dataset)


def _grey(array: Array, dataset: Dataset) -> Array:
    """One value a pixel: palettes looked up, colours to luminance of 8 bits, modality tables applied."""
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        array = apply_color_lut(array, dataset)
    if array.ndim == 3:
        scale = 255 / np.iinfo(array.dtype).max
        grey: Array = np.rint(array[..., :3] @ LUMA * scale).astype(np.uint8)
        return grey
    if "ModalityLUTSequence" in dataset:
        return apply_modality_lut(array, dataset)
    return array


def _by_gdcm(dataset: Dataset, stream: BinaryIO) -> Iterator[Array]:
    """The frames by GDCM itself, which reads from a file only."""
    gdcm.Trace.WarningOff()
    gdcm.Trace.ErrorOff()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "image"
        stream.seek(0)
        path.write_bytes(stream.read())
        reader = gdcm.ImageReader()
        reader.SetFileName(str(path))
        if not reader.Read():
            raise ValueError("GDCM cannot read the image")
        image = reader.GetImage()
        pixel = image.GetPixelFormat()
        if pixel.GetBitsAllocated() != 16 or pixel.GetSamplesPerPixel() != 1:
            raise ValueError("not a grey image of 16 bits")
        # GDCM's Python binding hands binary data over as text with surrogate escapes
        data = image.GetBuffer().encode("utf-8", errors="surrogateescape")
    kind = "<i2" if pixel.GetPixelRepresentation() else "<u2"
    shape = (-1, int(dataset.Rows), int(dataset.Columns))
    yield from np.frombuffer(data, dtype=kind).reshape(shape)
