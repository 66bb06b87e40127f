"""The 3-D engine's files: only what was asked for, only if it is what it should be."""

import hashlib
import io
import json
import tarfile

import pytest

from widgets import itk_engine


def tarball(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_integrity_is_npms():
    # RFC 6234's test vector for "abc" in SHA-512, base64 as in Subresource Integrity
    known = bytes.fromhex(
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    )
    assert hashlib.sha512(b"abc").digest() == known
    assert itk_engine.integrity(b"abc").startswith(
        "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9"
    )


def test_only_the_named_files_are_unpacked(tmp_path):
    package = tarball(tmp_path / "a.tgz", {"package/one.js": b"1", "package/two.js": b"2", "../evil.js": b"3"})
    itk_engine.unpack(package, {"package/one.js": "deep/one.js"}, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["one.js"]


def test_a_missing_file_is_told(tmp_path):
    package = tarball(tmp_path / "a.tgz", {"package/one.js": b"1"})
    with pytest.raises(itk_engine.EngineError, match=r"has no package/two\.js"):
        itk_engine.unpack(package, {"package/two.js": "two.js"}, tmp_path / "out")


def test_a_package_that_is_not_what_it_should_be_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(itk_engine, "download", lambda _, folder: tarball(folder / "a.tgz", {"package/x": b"bad"}))
    with pytest.raises(itk_engine.EngineError, match="integrity"):
        itk_engine.fetch(tmp_path / "itk")
    assert not (tmp_path / "itk").exists()


def test_the_manifest_pins_one_version():
    manifest = json.loads(itk_engine.MANIFEST.read_text())
    assert manifest["package"] == "itk-vtk-viewer@14.51.0"
    assert manifest["integrity"].startswith("sha512-")
    assert len(manifest["files"]) == 5
