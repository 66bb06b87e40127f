"""QTI 3.0: packages, and single items. A shared stem is a stimulus, a file of its own that its items refer to."""

from __future__ import annotations

from collections.abc import Sequence

from exams.interchange import qti_package
from exams.interchange.qti_item import Dialect
from exams.interchange.question import Reading
from exams.items import Item

QTI30 = Dialect(
    name="QTI 3.0",
    modern=True,
    item="http://www.imsglobal.org/xsd/imsqtiasi_v3p0",
    manifest="http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1",
    metadata="http://www.imsglobal.org/xsd/imsqti_metadata_v3p0",
    schema="QTI Package",
    schema_version="3.0.0",
    item_type="imsqti_item_xmlv3p0",
    stimulus_type="imsqti_stimulus_xmlv3p0",
)


def write(items: Sequence[Item]) -> bytes:
    """The items as a package."""
    return qti_package.write(items, QTI30)


def read(data: bytes, stem: str) -> Reading:
    """The items of a package, or of one item as XML; `stem` begins the ids of those without. Raises DocumentError."""
    return qti_package.read(data, stem, QTI30)
