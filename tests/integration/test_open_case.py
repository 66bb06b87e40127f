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
from courses.series import Series
from hub.apps import kernel_variables
from hub.settings import load
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


SERVERS = "http://pacs.example:8042/dicom-web https://images.example/"


@pytest.mark.parametrize(
    "source",
    [
        "..",
        "../secret",
        "/etc/passwd",
        "a/../../b",
        "http://other.example/studies/1",
        "http://pacs.example:8042/",
        "http://pacs.example:8042/dicom-webEVIL/studies/1",
        "http://pacs.example:8042/dicom-web.evil.example/",
        "http://pacs.example:8042/dicom-web/../system",
        "http://pacs.example:8042/dicom-web/%2e%2E/system",
        "http://pacs.example:8042/dicom-web/a%2f..%2f..%2fsystem",
        "http://pacs.example:8042/dicom-web/..\\system",
        "http://pacs.example:8042/dicom-web/.%5c..",
        "http://pacs.example:8042@other.example/dicom-web/studies/1",
        "http://user@pacs.example:8042/dicom-web/studies/1",
        "http://pacs.example:8042.other.example/dicom-web/studies/1",
        "http://pacs.example/dicom-web/studies/1",
        "http://pacs.example:80420/dicom-web/studies/1",
        "http://pacs.example:port/dicom-web/studies/1",
        "https://pacs.example:8042/dicom-web/studies/1",
        "http://[pacs.example:8042/dicom-web",
        "http://pacs.example:8042/dicom-web/studies/1 HTTP/1.1",
        "http://images.example/studies/1",
        "https://images.example:8443/studies/1",
        "https://images.example.other.example/studies/1",
    ],
)
def test_what_is_not_allowed(tmp_path, source):
    environment = {"XINGLIN_IMPORTS": str(tmp_path), "XINGLIN_DICOMWEB": SERVERS}
    with pytest.raises(Refusal):
        allowed(source, environment)


def test_a_link_out_of_the_import_folder_is_not_allowed(tmp_path):
    (tmp_path / "imports").mkdir()
    (tmp_path / "imports" / "out").symlink_to(tmp_path)
    with pytest.raises(Refusal):
        allowed("out/secret", {"XINGLIN_IMPORTS": str(tmp_path / "imports")})


def test_what_is_allowed_below_the_import_folder(tmp_path):
    assert allowed("head", {"XINGLIN_IMPORTS": str(tmp_path)}) == str(tmp_path / "head")


@pytest.mark.parametrize(
    "address",
    [
        "http://pacs.example:8042/dicom-web",
        "http://pacs.example:8042/dicom-web/",
        "http://pacs.example:8042/dicom-web/studies/1.2/series/3.4",
        "HTTP://PACS.example:8042/dicom-web/studies/1.2?a=b",
        "https://images.example",
        "https://images.example:443/studies/1",
    ],
)
def test_what_is_allowed_of_the_image_servers(address):
    assert allowed(address, {"XINGLIN_DICOMWEB": SERVERS}) == address


def test_a_configured_server_reaches_the_field_as_it_was_written(tmp_path):
    (tmp_path / "xinglin.toml").write_text('[cases]\ndicomweb = ["http://127.0.0.1:8042/dicom-web"]\n', "utf-8")
    settings = load({"XINGLIN_HOME": str(tmp_path)})
    address = "http://127.0.0.1:8042/dicom-web/studies/1/series/2"
    assert allowed(address, kernel_variables(settings)) == address


def test_nothing_is_allowed_where_nothing_is_configured():
    with pytest.raises(Refusal, match="switched off"):
        allowed("head", {})
    with pytest.raises(Refusal, match="No image server"):
        allowed("https://pacs.example/studies/1", {})


def test_the_refusal_of_an_address_names_those_that_may_be_asked():
    with pytest.raises(Refusal, match=r"begins with http://pacs\.example:8042/dicom-web, https://images\.example/"):
        allowed("https://other.example/", {"XINGLIN_DICOMWEB": SERVERS})


def test_what_the_field_says_is_text_and_never_markup(tmp_path, monkeypatch):
    monkeypatch.setenv("XINGLIN_DICOMWEB", "http://pacs.example/<b>")
    field = OpenField(CaseStore(tmp_path), lambda _: None)
    field._address.value = "http://other.example"
    field.children[1].children[2].click()
    assert "<b>" not in field.status.value
    assert "&lt;b&gt;" in field.status.value


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
    opened: list[Series] = []
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
    received: list[Path] = []
    upload = Upload(received.append, limit=10_000)
    assert "refused" in send(upload, bytes(10_001))
    assert send(upload, bytes(10_000)) == ["more"] * 4 + ["done"]
    assert len(received) == 1
    assert not received[0].exists()
