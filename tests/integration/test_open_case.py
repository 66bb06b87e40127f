"""Opening cases: the command line and the teacher's field."""

import io
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from pydicom.data import get_testdata_file

from courses.cases import CaseStore
from courses.cli import case
from courses.messages import Refusal
from courses.open_field import OpenField, allowed, may_open
from widgets.upload import Upload

MR = Path(str(get_testdata_file("MR_small.dcm")))


def run(home, *words):
    return CliRunner().invoke(case, words, obj=SimpleNamespace(home=home))


def test_open_and_list(tmp_path):
    opened = run(tmp_path, "open", str(MR), "--title", "MR 示例")
    assert opened.exit_code == 0, opened.output
    name = opened.output.split()[0]
    listed = run(tmp_path, "list")
    assert listed.exit_code == 0
    assert all(word in listed.output for word in (name, "MR 示例", "phantom-ct", "ct-small"))


def test_what_cannot_be_opened_is_one_line(tmp_path):
    done = run(tmp_path, "open", str(tmp_path / "nothing"))
    assert done.exit_code == 1
    assert done.output == "Error: There is no file or folder of that name: check the path.\n"


@pytest.mark.parametrize("words", [["--help"], ["open", "--help"], ["list", "--help"]])
def test_help_has_an_example(tmp_path, words):
    assert "Example: xinglin case" in run(tmp_path, *words).output


@pytest.mark.parametrize(
    ("role", "may"), [("student", False), ("teacher", True), ("lead", True), ("operator", True), (None, False)]
)
def test_who_may_open(role, may):
    assert may_open({"XINGLIN_ROLE": role} if role else {}) is may


@pytest.mark.parametrize(
    "source",
    [
        "..",
        "../secret",
        "/etc/passwd",
        "a/../../b",
        "http://other.example/studies/1",
        "https://pacs.example:8443/studies/1",
    ],
)
def test_what_is_not_allowed(tmp_path, source):
    environment = {"XINGLIN_IMPORTS": str(tmp_path), "XINGLIN_DICOMWEB": "pacs.example pacs.example:8042"}
    with pytest.raises(Refusal):
        allowed(source, environment)


def test_a_link_out_of_the_import_folder_is_not_allowed(tmp_path):
    (tmp_path / "imports").mkdir()
    (tmp_path / "imports" / "out").symlink_to(tmp_path)
    with pytest.raises(Refusal):
        allowed("out/secret", {"XINGLIN_IMPORTS": str(tmp_path / "imports")})


def test_what_is_allowed(tmp_path):
    environment = {"XINGLIN_IMPORTS": str(tmp_path), "XINGLIN_DICOMWEB": "pacs.example pacs.example:8042"}
    assert allowed("head", environment) == str(tmp_path / "head")
    address = "https://pacs.example:8042/studies/1/series/2"
    assert allowed(address, environment) == address


def test_nothing_is_allowed_where_nothing_is_configured():
    with pytest.raises(Refusal, match="switched off"):
        allowed("head", {})
    with pytest.raises(Refusal, match="not on the operator's list"):
        allowed("https://pacs.example/studies/1", {})


def send(upload, *files, piece=4096):
    """What the front end sends for `files`; the kinds of the answers."""
    answers = []
    upload.send = lambda content: answers.append(content["kind"])
    upload._hear(upload, {"kind": "begin"}, [])
    for number, data in enumerate(files):
        for start in range(0, len(data), piece):
            upload._hear(upload, {"kind": "piece", "file": number}, [memoryview(data)[start : start + piece]])
    upload._hear(upload, {"kind": "end"}, [])
    return answers


def zipped(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../x.dcm", data)
    return out.getvalue()


def test_the_field_opens_what_is_uploaded_and_says_what_it_cannot(tmp_path):
    opened = []
    field = OpenField(CaseStore(tmp_path), opened.append)
    upload = field.children[1].children[0]
    picture = MR.read_bytes()
    for files in ([picture], [zipped(picture)], [picture, b"a note beside it"]):
        assert set(send(upload, *files)) == {"more", "done"}
    assert [series.modality for series in opened] == ["MR", "MR", "MR"]
    send(upload, b"nonsense")
    assert "这不是 DICOM 文件" in field.status.value
    assert len(opened) == 3


def test_an_upload_beyond_the_limit_is_refused_and_leaves_nothing(tmp_path):
    received = []
    upload = Upload(received.append, limit=10_000)
    assert "refused" in send(upload, bytes(10_001))
    assert send(upload, bytes(10_000)) == ["more"] * 4 + ["done"]
    assert len(received) == 1
    assert not received[0].exists()
