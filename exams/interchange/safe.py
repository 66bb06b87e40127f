"""Files from outside, opened with care: what could harm us or a reader is refused, never repaired in silence."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from exams.documents import DocumentError

MOST_BYTES = 50_000_000  # of a file, and of all that a zip unpacks to: ten thousand items take about 20 MB
MOST_FILES = 20_000  # in a zip
MOST_RATIO = 200  # unpacked to packed, of one file in a zip; repetitive XML reaches about 100
SMALL_BYTES = 1_000_000  # below it the ratio does not matter
MOST_TEXT = 200_000  # characters of one question, pictures written as text aside
MOST_TAGS = 3_000_000  # in one XML document, begun or ended: each takes about 100 bytes of memory
MOST_DEPTH = 100  # of elements in elements

ACTIVE_TAG = re.compile(
    r"<\s*/?\s*(script|iframe|frame|frameset|object|embed|applet|form|meta|base|link|style|svg|math|template"
    r"|img|image|video|audio|input|button|textarea|select)\b",
    re.I,
)
ACTIVE_ATTRIBUTE = re.compile(r"<[a-z][^<>]*[\s/\"']on[a-z]+\s*=", re.I)
ACTIVE_ADDRESS = re.compile(r"(javascript|vbscript|data):", re.I)
ACTIVE_TEXT = re.compile(r"(javascript|vbscript)\s*:|data:[a-z]+/[a-z0-9.+-]+[;,]", re.I)
MARKDOWN_PICTURE = re.compile(r"!\[[^\]]{0,200}\]\s?[(\[]")  # a paper is Markdown, which would fetch it
CELL_MARKER = re.compile(r"###\s*(BEGIN|END)\s+(SOLUTION|HIDDEN TESTS|MARK SCHEME)", re.I)  # nbgrader cuts at it
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u2028\u2029\ufeff]")


def harm(text: str) -> str:
    """What in a plain text could act in a browser or a notebook; "" where nothing could."""
    if CONTROL.search(text):
        return "a control character"
    if ACTIVE_ATTRIBUTE.search(text):
        return "an event handler"
    if found := ACTIVE_TAG.search(text):
        return f"a <{found[1].lower()}> element"
    if MARKDOWN_PICTURE.search(text):
        return "a picture by its address"
    if ACTIVE_TEXT.search(text):
        return "an address that runs or holds content"
    return "a marker of nbgrader cells" if CELL_MARKER.search(text) else ""


def refuse_address(address: str) -> None:
    """Raise DocumentError where a link or a picture would run or hold content itself."""
    if found := ACTIVE_ADDRESS.match(re.sub(r"[\x00-\x20\x7f-\xa0\u200b\ufeff]", "", address)):
        raise DocumentError(f"A link in the file begins with {found[1].lower()}: remove it and import again.")


def refuse_large(data: bytes) -> None:
    """Raise DocumentError where a file is too large to be a question bank."""
    if len(data) > MOST_BYTES:
        raise DocumentError(f"The file is larger than {MOST_BYTES // 1_000_000} MB: split it and import the parts.")


def refuse_long(text: str) -> None:
    """Raise DocumentError where a text is too long for a question."""
    if len(text) > MOST_TEXT:
        raise DocumentError(
            f"A question is longer than {MOST_TEXT} characters: remove what is no question, and import again."
        )


def read_text(data: bytes) -> str:
    """UTF-8 text, with or without a byte order mark, its lines ended by a newline. Raises DocumentError."""
    refuse_large(data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            f"Line {line} is not UTF-8 text (GB18030, perhaps): save the file with the encoding UTF-8, import again."
        ) from error
    if "\0" in text:
        raise DocumentError("The file is not text but binary: export it from its program again, as text in UTF-8.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_xml(data: bytes, name: str = "The file") -> Element:
    """The root element. No DTD, no entity and nothing from elsewhere is accepted. Raises DocumentError."""
    refuse_large(data)
    if data.count(b"<") > MOST_TAGS:
        raise DocumentError(f"{name} holds more than {MOST_TAGS} tags: split the bank and import the parts.")
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise DocumentError(
            f"{name} declares a DTD or entities, which could harm this machine: remove the declaration, import again."
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise DocumentError(f"{name} is not valid XML in UTF-8 ({error}): export it again.") from error
    level = [root]
    for _ in range(MOST_DEPTH):
        level = [child for parent in level for child in parent]
    if level:
        raise DocumentError(f"{name} nests more than {MOST_DEPTH} elements: export it again.")
    return root


def read_zip(data: bytes) -> dict[str, bytes]:
    """The files in a zip by name, folders left out. Raises DocumentError where one could do harm."""
    refuse_large(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = packed.infolist()
            _refuse_entries(entries)
            return _unpacked(packed, [entry for entry in entries if not entry.is_dir()])
    except DocumentError:
        raise
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise DocumentError(f"The file is not a sound zip ({error}): export it again.") from error


def _refuse_entries(entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.orig_filename for entry in entries]
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise _too_large()
    if len(set(names)) < len(names):
        raise DocumentError("The zip holds two files of the same name: export it again.")
    for entry in entries:
        name = entry.orig_filename
        parts = PurePosixPath(name).parts
        if "\\" in name or "\0" in name or ":" in name or ".." in parts or name.startswith("/"):
            raise DocumentError(f"The zip holds a file outside its own folder ({name!r:.80}): do not use it.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise DocumentError(f"The zip holds a symbolic link ({name!r:.80}): pack it again without.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DocumentError("The zip is packed in an unusual way: pack it again with the method deflate.")
        if entry.flag_bits & 1:
            raise DocumentError("The zip is encrypted: pack it again without a password.")
        if entry.file_size > SMALL_BYTES and entry.file_size > MOST_RATIO * entry.compress_size:
            raise _too_large()


def _unpacked(packed: zipfile.ZipFile, entries: Iterable[zipfile.ZipInfo]) -> dict[str, bytes]:
    """What a header says of its file's size may be false: the bytes that come out are counted."""
    files = {}
    left = MOST_BYTES
    for entry in entries:
        with packed.open(entry) as file:
            files[entry.filename] = file.read(left + 1)
        left -= len(files[entry.filename])
        if left < 0:
            raise _too_large()
    return files


def _too_large() -> DocumentError:
    return DocumentError(
        f"The zip unpacks to more than {MOST_BYTES // 1_000_000} MB or {MOST_FILES} files, or {MOST_RATIO} times its "
        "size: do not use it, or split the bank."
    )
