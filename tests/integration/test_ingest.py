"""Opening images from outside: what opens, what is refused and why, and that nothing hostile takes the caller down."""

import asyncio
import io
import json
import os
import threading
import uuid
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tornado.httpserver
import tornado.netutil
import tornado.web
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from courses import ingest as child
from courses.cases import CaseStore
from courses.ingest import ingest
from courses.messages import Refusal
from courses.sources import Limits, openers
from tests.support.narrowing import present

SECRET = "Zhang^San-4711"


def shared():
    candidates = [os.environ.get("XINGLIN_SHARED"), Path(__file__).resolve().parents[3] / "shared"]
    return next((Path(path) / "data" for path in candidates if path and (Path(path) / "data").is_dir()), None)


real_data = pytest.mark.skipif(shared() is None, reason="the shared folder of real images is absent")


@pytest.fixture
def store(tmp_path):
    return CaseStore(tmp_path / "cases")


def image(number=1, position=0.0, **changes):
    """A small CT slice with patient data all over it; the value of its pixels is its number."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.2")
    meta.MediaStorageSOPInstanceUID = UID(f"1.2.3.{number}")
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    fields = {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "SeriesInstanceUID": "1.2.3",
        "Modality": "CT",
        "PatientName": SECRET,
        "PatientID": SECRET,
        "SeriesDescription": f"for {SECRET}",
        "InstitutionName": SECRET,
        "Rows": 6,
        "Columns": 8,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "PixelSpacing": [0.5, 0.25],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [0, 0, position],
        "InstanceNumber": number,
        "RescaleSlope": 2,
        "RescaleIntercept": -1000,
        "PixelData": np.full((6, 8), number, dtype="<i2").tobytes(),
        **changes,
    }
    for keyword, value in fields.items():
        if value is not None:
            setattr(made, keyword, value)
    kept = io.BytesIO()
    made.save_as(kept)
    return kept.getvalue()


def put(path, *images):
    """Write the images as files of a folder."""
    path.mkdir(parents=True)
    for number, data in enumerate(images):
        (path / f"{number}.dcm").write_bytes(data)
    return str(path)


def open_here(source, folder):
    """Open in this process: the child's own function without a child, for the many tests of what it makes of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder.mkdir(parents=True)
        return child._fill(openers(str(source), Limits()), folder, folder.name, "", Limits())


def test_slices_are_ordered_by_where_they_lie(tmp_path):
    made = open_here(put(tmp_path / "in", image(1, 5.0), image(2, -5.0), image(3, 0.0)), tmp_path / "out")
    assert [int(made.frame(index)[0, 0]) for index in range(3)] == [2, 3, 1]
    assert made.positions == (-5.0, 0.0, 5.0)
    assert made.spacing == (0.5, 0.25)
    assert (made.slope, made.intercept, made.unit) == (2.0, -1000.0, "HU")


def test_nothing_about_the_patient_is_kept(store, tmp_path):
    made = ingest(put(tmp_path / SECRET, image()), store)
    for path in made.folder.iterdir():
        assert SECRET.encode() not in path.read_bytes()
    assert SECRET not in json.dumps(made.meta()) + made.id + made.title


def test_the_same_images_are_one_case(store, tmp_path):
    first, second = ingest(put(tmp_path / "a", image()), store), ingest(put(tmp_path / "b", image()), store)
    assert first.id == second.id
    assert sorted(path.name for path in store.root.iterdir()) == [first.id]


def test_one_series_of_a_mixed_folder(tmp_path):
    other = image(9, SeriesInstanceUID="9.9")
    made = open_here(put(tmp_path / "in", image(1, 0), image(2, 1), other, b"not dicom"), tmp_path / "out")
    assert made.frames == 2
    assert "2 other files or images were left out of this series." in [notice.say("en") for notice in made.notices]


def test_unsigned_values_above_32767_stay_exact(tmp_path):
    pixels = np.array([[0, 32767, 32768, 65535]], dtype="<u2")
    data = image(
        Rows=1, Columns=4, PixelRepresentation=0, PixelData=pixels.tobytes(), RescaleSlope=1, RescaleIntercept=0
    )
    made = open_here(put(tmp_path / "in", data), tmp_path / "out")
    real = made.frame(0).astype(float) * made.slope + made.intercept
    assert real.ravel().tolist() == pixels.ravel().tolist()


def test_slices_of_different_scale_share_one(tmp_path):
    made = open_here(put(tmp_path / "in", image(10, 0, RescaleSlope=1), image(20, 1, RescaleSlope=4)), tmp_path / "out")
    real = made.stack().astype(float) * made.slope + made.intercept
    assert real[:, 0, 0] == pytest.approx([10 - 1000, 80 - 1000], abs=made.slope)


@pytest.mark.parametrize(
    ("changes", "notice"),
    [
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.1, 0.1]}, "Lengths are measured at the detector"),
        ({"LossyImageCompression": "01"}, "compressed with loss"),
        ({"Modality": "US"}, "Look for text in the picture"),
    ],
)
def test_what_the_reader_must_know(tmp_path, changes, notice):
    made = open_here(put(tmp_path / "in", image(**changes)), tmp_path / "out")
    assert any(notice in one.say("en") for one in made.notices)


def test_without_spacing_there_is_none(tmp_path):
    for spacing in (None, [0, 0], [-1, 1]):
        made = open_here(put(tmp_path / str(spacing), image(PixelSpacing=spacing)), tmp_path / f"out {spacing}")
        assert made.spacing is None


def test_missing_slices_are_told(tmp_path):
    made = open_here(put(tmp_path / "in", image(1, 0), image(2, 1), image(3, 5)), tmp_path / "out")
    assert [notice.say("en") for notice in made.notices] == ["The slices are not evenly spaced: some may be missing."]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a DICOM file"),
        (b"hello", "not a DICOM file"),
        (b"\0" * 128 + b"DICM" + b"\xff" * 400, "holds no image"),
        (image(BurnedInAnnotation="YES"), "text is burned into its picture"),
        (image(PixelData=None), "holds no image"),
        (image(PixelData=b"\0" * 10), "damaged or incomplete"),
        (image(Rows=0), "how large its image is"),
        (image(Rows=60000, Columns=60000, NumberOfFrames="99999"), "larger than"),
        (image()[:-60], "damaged or incomplete"),
    ],
)
def test_refusals(tmp_path, data, says):
    with pytest.raises(Refusal, match=says) as refused:
        open_here(put(tmp_path / "in", data), tmp_path / "out")
    assert refused.value.message.say("zh") != refused.value.message.say("en")


def archive(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return str(path)


def test_a_zip_with_names_that_lead_elsewhere(store, tmp_path):
    before = set(tmp_path.rglob("*"))
    names = {"../../escape.dcm": image(1, 0), "/etc/absolute.dcm": image(2, 1), "a/../../b": image(3, 2)}
    made = ingest(archive(tmp_path / "in.zip", names), store)
    assert made.frames == 3
    new = set(tmp_path.rglob("*")) - before
    assert all(path == tmp_path / "in.zip" or path.is_relative_to(store.root) for path in new)


def test_a_zip_that_unpacks_to_too_much(store, tmp_path):
    bomb = archive(tmp_path / "bomb.zip", {str(number): b"\0" * 30_000_000 for number in range(3)})
    with pytest.raises(Refusal, match="Unpacked, the zip file is larger"):
        ingest(bomb, store, limits=Limits(total_bytes=50_000_000))


def test_a_zip_that_lies_about_its_size(store, tmp_path):
    path = Path(archive(tmp_path / "liar.zip", {"a": image() + b"\0" * 5_000_000}))
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.find(signature) + offset
        data[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(Refusal):
        ingest(str(path), store)


@pytest.mark.parametrize("content", [b"PK\x05\x06" + b"\0" * 18, b"PK\x03\x04 broken PK\x05\x06" + b"\0" * 18])
def test_a_zip_without_content(store, tmp_path, content):
    (tmp_path / "in.zip").write_bytes(content)
    with pytest.raises(Refusal, match="zip file is"):
        ingest(str(tmp_path / "in.zip"), store)


def test_links_in_a_folder_are_not_followed(store, tmp_path):
    outside = tmp_path / "outside.dcm"
    outside.write_bytes(image(7))
    folder = Path(put(tmp_path / "in", image(1)))
    (folder / "link.dcm").symlink_to(outside)
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    assert ingest(str(folder), store).frames == 1


def test_too_many_files(store, tmp_path):
    with pytest.raises(Refusal, match="more than 2 files"):
        ingest(put(tmp_path / "in", *[b"x"] * 3), store, limits=Limits(files=2))


def test_more_memory_than_allowed(store, tmp_path):
    big = image(Rows=8000, Columns=8000, PixelData=b"\0" * (8000 * 8000 * 2))
    with pytest.raises(Refusal, match=r"memory|damaged"):
        ingest(put(tmp_path / "in", big), store, limits=Limits(memory_bytes=400 << 20))
    assert not any(store.root.iterdir())


def test_time_is_limited_and_the_child_is_gone(store, tmp_path):
    folder = put(tmp_path / "in", *[image(number, number) for number in range(1, 400)])
    with pytest.raises(Refusal, match=r"longer than 0\.05 seconds"):
        ingest(folder, store, limits=Limits(seconds=0.05))  # type: ignore[arg-type]  # it ends within a second
    assert not any(store.root.iterdir())
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert not [pid for pid in children if b"courses.ingest" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_a_path_that_is_not_there(store):
    with pytest.raises(Refusal, match="no file or folder"):
        ingest("/no/such/place", store)


# --- DICOMweb ---------------------------------------------------------------------------------------------------------


class Server:
    """A DICOMweb server of one series, with some addresses that misbehave."""

    def __init__(self, images):
        boundary = uuid.uuid4().hex
        parts = b"".join(
            b"--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n" % (boundary.encode(), data) for data in images
        )

        class Series(tornado.web.RequestHandler):
            def get(self):
                assert "application/dicom" in self.request.headers["Accept"]
                kind = f'multipart/related; type="application/dicom"; boundary="{boundary}"'
                self.set_header("Content-Type", kind)
                self.finish(parts + f"--{boundary}--\r\n".encode())

        class Html(tornado.web.RequestHandler):
            def get(self):
                self.finish("<html>log in</html>")

        away = (r"/away", tornado.web.RedirectHandler, {"url": "http://localhost:1/elsewhere"})
        self.app = tornado.web.Application(
            [(r"/studies/1/series/2", Series), (r"/html", Html), away], log_function=lambda _: None
        )
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)

    async def serve(self):
        self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
        sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
        server = tornado.httpserver.HTTPServer(self.app)
        server.add_sockets(sockets)
        self.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
        self.ready.set()
        await self.stop.wait()
        server.stop()
        await server.close_all_connections()

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(10)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(10)


def test_dicomweb(store):
    with Server([image(1, 3.0), image(2, 1.0)]) as server:
        made = ingest(f"{server.url}/studies/1/series/2", store)
        assert [int(made.frame(index)[0, 0]) for index in range(2)] == [2, 1]
        for path, says in (
            ("/nothing", "answered 404"),
            ("/html", "did not answer with DICOM"),
            ("/away", "another host"),
        ):
            with pytest.raises(Refusal, match=says):
                ingest(server.url + path, store)
    with pytest.raises(Refusal, match="cannot be reached"):
        ingest(f"{server.url}/studies/1/series/2", store)
    with pytest.raises(Refusal, match="cannot be reached"):
        ingest("http://127.0.0.1:port/studies/1", store)


# --- real files -------------------------------------------------------------------------------------------------------


def test_every_file_of_pydicom_opens_or_says_why(tmp_path):
    root = Path(pydicom.__file__).parent / "data"
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix not in {".py", ".pyc", ".json"}]
    outcome: Counter[str] = Counter()
    for number, path in enumerate(files):
        try:
            made = open_here(path, tmp_path / f"f{number}")
            assert made.stack().shape == (made.frames, made.rows, made.columns)
            outcome["opened"] += 1
        except Refusal as refusal:
            outcome["refused" if str(refusal).endswith(".") else "no sentence"] += 1
    assert outcome["opened"] >= 89  # as many as pydicom's own decoders are known to open
    assert outcome["opened"] + outcome["refused"] == len(files)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("MR_truncated.dcm", "damaged or incomplete"),
        ("badVR.dcm", "damaged or incomplete"),
        ("meta_missing_tsyntax.dcm", "how large"),
        ("DICOMDIR", "index of a disc"),
        ("waveform_ecg.dcm", "holds no image"),
    ],
)
def test_files_that_must_fail(tmp_path, name, says):
    with pytest.raises(Refusal, match=says):
        open_here(str(get_testdata_file(name)), tmp_path / "out")


@real_data
def test_one_image_in_every_syntax(tmp_path):
    folder = shared() / "ct_syntaxes"
    truth = pydicom.dcmread(folder / "CTImage.dcm")
    expected = truth.pixel_array.astype(float) * truth.RescaleSlope + truth.RescaleIntercept
    found = {
        path: open_here(path, tmp_path / str(number)) for number, path in enumerate(sorted(folder.glob("CTImage*")))
    }
    assert len(found) == 16
    for path, made in found.items():
        real = made.frame(0).astype(float) * made.slope + made.intercept
        lossy = any(one.text.startswith("The image was compressed with loss") for one in made.notices)
        # inside the scanner's circle; the corners hold padding that lossy coding smears
        difference = np.abs(real - expected)[128:384, 128:384]
        assert difference.max() == 0 if not lossy else difference.mean() < 20, path.name


@real_data
@pytest.mark.parametrize(
    ("name", "says"),
    [("no-pixel-data.dcm", "holds no image"), ("no-pixel-spacing.dcm", None), ("US-YBR_FULL_422-EVRLE.dcm", None)],
)
def test_the_odd_ones(tmp_path, name, says):
    path = str(shared() / "ct_syntaxes" / name)
    if says:
        with pytest.raises(Refusal, match=says):
            open_here(path, tmp_path / "out")
        return
    made = open_here(path, tmp_path / "out")
    assert made.spacing is None
    assert "A colour image, shown by its brightness (luminance)." in [notice.say("en") for notice in made.notices]
    assert np.ptp(made.frame(0)) > 200


@real_data
def test_a_head_in_28_slices(store, tmp_path):
    folder = shared() / "ct_head"
    made = ingest(str(folder), store)
    assert (made.frames, made.rows, made.columns, made.unit) == (28, 512, 512, "HU")
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in folder.glob("*.dcm")]
    assert made.spacing == pytest.approx(tuple(headers[0].PixelSpacing))
    # from foot to head, whatever the file names say
    heights = sorted(float(one.ImagePositionPatient[2]) for one in headers)
    steps, ours = np.diff(heights), np.diff(present(made.positions))
    orientation = present(made.orientation)
    cosine = abs(np.cross(orientation[:3], orientation[3:])[2])
    assert np.abs(ours) == pytest.approx(steps / cosine, rel=0.3)
    zipped = archive(tmp_path / "head.zip", {path.name: path.read_bytes() for path in folder.glob("*.dcm")})
    assert ingest(zipped, store).id == made.id
