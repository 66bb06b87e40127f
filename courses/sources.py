"""Where images come from: a file, a folder, a zip or a DICOMweb address, as files opened one by one within limits.

Names inside an archive are never used as paths, links are not followed, and nothing is unpacked to disk.
"""

from __future__ import annotations

import http.client
import io
import mmap
import os
import re
import stat
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from courses.messages import Refusal

Opener = Callable[[], BinaryIO]

CHUNK = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What opening a case may cost. Bytes, seconds, counts."""

    files: int = 5_000
    file_bytes: int = 1 << 30
    total_bytes: int = 4 << 30
    pixel_bytes: int = 2 << 30
    memory_bytes: int = 4 << 30
    seconds: int = 180


def is_address(source: str) -> bool:
    """Whether `source` is a DICOMweb address rather than a path."""
    return source.lower().startswith(("http://", "https://"))


PLAIN = re.compile(r"[!-~]+")
"""What an address is written with; anything else some program along the way would read in its own manner."""
PORTS = {"http": 80, "https": 443}


def is_below(address: str, base: str) -> bool:
    """Whether `address` is `base` or lies below it: the same scheme, host and port, and path segments that go on."""
    try:
        (own, path), (other, start) = _place(address), _place(base)
    except ValueError:
        return False
    return own == other and path[: len(start)] == start


def _place(address: str) -> tuple[tuple[str, str, int], list[str]]:
    """Scheme, host and port, and the segments of the path.

    Raises ValueError where these are not plain: a user's name, a backslash, a step up (`..`, encoded or not).
    """
    parts = urllib.parse.urlsplit(address)
    path = [segment for segment in parts.path.split("/") if segment]
    steps = re.split(r"[/\\]", urllib.parse.unquote(parts.path))
    if not PLAIN.fullmatch(address) or "\\" in address or "@" in parts.netloc or {".", ".."} & {*steps}:
        raise ValueError("not a plain address")
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("no scheme or host")
    return (parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme]), path


def openers(source: str, limits: Limits) -> list[Opener]:
    """The files of `source`, each opened by a call. Raises Refusal where there is nothing to open."""
    if is_address(source):
        return _from_web(source, limits)
    path = Path(source)
    if path.is_dir():
        return _from_folder(path, limits)
    if not path.is_file():
        raise Refusal("There is no file or folder of that name: check the path.")
    if zipfile.is_zipfile(path):
        return _from_zip(path, limits)
    _check_size(path.stat().st_size, limits)
    return [_file(path)]


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.file_bytes:
        raise Refusal(
            "A file is larger than {megabytes} MB, the limit: split it or ask the operator.",
            megabytes=limits.file_bytes >> 20,
        )


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.files:
        raise Refusal("There are more than {count} files, the limit: open one series at a time.", count=limits.files)


def _file(path: Path) -> Opener:
    return lambda: path.open("rb")


def _from_folder(folder: Path, limits: Limits) -> list[Opener]:
    found: list[Path] = []
    for here, _, names in os.walk(folder, followlinks=False):
        for name in sorted(names):
            path = Path(here, name)
            status = path.lstat()
            # links and devices could lead out of the folder or never end
            if stat.S_ISREG(status.st_mode) and not name.startswith("."):
                _check_size(status.st_size, limits)
                found.append(path)
                _check_count(len(found), limits)
    if not found:
        raise Refusal("The folder holds no files: choose the folder with the DICOM files.")
    return [_file(path) for path in sorted(found)]


def _from_zip(path: Path, limits: Limits) -> list[Opener]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Refusal("The zip file is damaged: make it again.") from error
    _check_count(len(members), limits)
    if any(info.flag_bits & 1 for info in members):
        raise Refusal("The zip file is protected by a password: make it again without one.")
    if sum(info.file_size for info in members) > limits.total_bytes:
        raise Refusal(
            "Unpacked, the zip file is larger than {megabytes} MB, the limit: open one series at a time.",
            megabytes=limits.total_bytes >> 20,
        )
    if not members:
        raise Refusal("The zip file is empty: put the DICOM files into it.")
    return [_member(path, info, limits) for info in members]


def _member(path: Path, info: zipfile.ZipInfo, limits: Limits) -> Opener:
    def read() -> BinaryIO:
        _check_size(info.file_size, limits)
        try:
            with zipfile.ZipFile(path) as archive, archive.open(info) as member:
                # never more than it claims to be, whatever the stream would still give
                return io.BytesIO(member.read(info.file_size))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
            raise Refusal("The zip file is damaged: make it again.") from error

    return read


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect on the same host only: an allowed server must not send us to one that is not."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urllib.parse.urlsplit(newurl).netloc != urllib.parse.urlsplit(req.full_url).netloc:
            raise Refusal("The server sends us on to another host: enter the address of the images themselves.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _from_web(address: str, limits: Limits) -> list[Opener]:
    """DICOMweb WADO-RS (PS3.18 section 10.4): a study, series or instance as multipart/related parts."""
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    request = urllib.request.Request(address, headers={"Accept": accept})  # noqa: S310 - http(s) only, see is_address
    host = urllib.parse.urlsplit(address).netloc
    try:
        with urllib.request.build_opener(_SameHost).open(request, timeout=30) as answer:
            kind = answer.headers.get("Content-Type", "")
            body = _download(answer, limits)
    except urllib.error.HTTPError as error:
        raise Refusal(
            "{host} answered {status}: check the address and your rights.", host=host, status=error.code
        ) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Refusal("{host} cannot be reached: check the address and the network.", host=host) from error
    if kind.split(";")[0].strip().lower() == "application/dicom":
        return [lambda: io.BytesIO(body[:])]
    boundary = re.search(r'boundary="?([^";,]+)"?', kind)
    if not kind.lower().startswith("multipart/related") or not boundary:
        raise Refusal(
            "{host} did not answer with DICOM images: the address should end in /studies/…/series/….", host=host
        )
    parts = list(_parts(body, boundary.group(1).encode("latin-1")))
    _check_count(len(parts), limits)
    if not parts:
        raise Refusal("{host} has no images at that address.", host=host)
    return [_slice(body, start, end) for start, end in parts]


def _download(answer: Any, limits: Limits) -> mmap.mmap:
    """The body of an answer, on disk, mapped: a series may be larger than memory should hold."""
    with tempfile.TemporaryFile() as kept:
        size = 0
        while chunk := answer.read(CHUNK):
            size += len(chunk)
            if size > limits.total_bytes:
                raise Refusal(
                    "The server sends more than {megabytes} MB, the limit: open one series at a time.",
                    megabytes=limits.total_bytes >> 20,
                )
            kept.write(chunk)
        if not size:
            raise ValueError("an empty answer")
        kept.flush()
        return mmap.mmap(kept.fileno(), 0, access=mmap.ACCESS_READ)


def _parts(body: mmap.mmap, boundary: bytes) -> Iterator[tuple[int, int]]:
    """Where the content of each part of a multipart body lies (RFC 2046 section 5.1)."""
    mark = b"--" + boundary
    here = body.find(mark)
    while here >= 0 and body[here + len(mark) : here + len(mark) + 2] != b"--":
        head = body.find(b"\r\n\r\n", here)
        following = body.find(b"\r\n" + mark, head)
        if head < 0 or following < 0:
            return
        yield head + 4, following
        here = following + 2


def _slice(body: mmap.mmap, start: int, end: int) -> Opener:
    return lambda: io.BytesIO(body[start:end])
