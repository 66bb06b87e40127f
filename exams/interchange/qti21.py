"""QTI 2.1: packages, and single items. Items of QTI 2.0 and 2.2 are read as well, where they are alike."""

from __future__ import annotations

from collections.abc import Sequence

from exams.interchange import qti_package
from exams.interchange.qti_item import Dialect
from exams.interchange.question import Reading
from exams.items import Item

QTI21 = Dialect(
    name="QTI 2.1",
    modern=False,
    item="http://www.imsglobal.org/xsd/imsqti_v2p1",
    manifest="http://www.imsglobal.org/xsd/imscp_v1p1",
    metadata="http://www.imsglobal.org/xsd/imsqti_metadata_v2p1",
    schema="QTIv2.1 Package",
    schema_version="1.0.0",
    item_type="imsqti_item_xmlv2p1",
)


def write(items: Sequence[Item]) -> bytes:
    """The items as a package. A shared stem stands in each item that shares it."""
    return qti_package.write(items, QTI21)


def read(data: bytes, stem: str) -> Reading:
    """The items of a package, or of one item as XML; `stem` begins the ids of those without. Raises DocumentError."""
    return qti_package.read(data, stem, QTI21)
