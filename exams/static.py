"""The service's scripts and styles, kept in memory under an address that changes with their content.

So a browser may keep them for ever, and scripts that import each other by relative addresses never mix two versions.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tornado.web import HTTPError, RequestHandler

TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Static:
    """Files by their path below the version, e.g. `room/room.js`: as they are, and compressed."""

    files: Mapping[str, bytes]
    packed: Mapping[str, bytes]
    version: str

    @classmethod
    def of(cls, **folders: Path) -> Static:
        """The scripts and styles in each of `folders`, under the folder's keyword; a folder may be missing."""
        files = {
            f"{name}/{path.relative_to(folder).as_posix()}": path.read_bytes()
            for name, folder in folders.items()
            for path in sorted(folder.rglob("*"))
            if path.suffix in TYPES
        }
        digest = hashlib.sha256()
        for name, content in files.items():
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        packed = {name: gzip.compress(content, mtime=0) for name, content in files.items()}
        return cls(files, packed, digest.hexdigest()[:16])


class StaticFiles(RequestHandler):
    """Answers `static/<version>/<path>`."""

    def initialize(self, static: Static) -> None:
        """Called by Tornado with what the route carries."""
        self._static = static

    def get(self, path: str) -> None:
        """One file."""
        if path not in self._static.files:
            raise HTTPError(404)
        self.set_header("Content-Type", TYPES[PurePosixPath(path).suffix])
        self.set_header("Cache-Control", FOREVER)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Vary", "Accept-Encoding")
        packed = "gzip" in self.request.headers.get("Accept-Encoding", "")
        if packed:
            self.set_header("Content-Encoding", "gzip")
        self.write((self._static.packed if packed else self._static.files)[path])
