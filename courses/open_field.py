"""The teacher's field that opens another case in a lab: uploaded files, a folder the operator allows, or an address on
the operator's list of image servers. A student's lab does not have it."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import ipywidgets

from courses.cases import CaseStore
from courses.ingest import ingest
from courses.messages import Refusal
from courses.series import Series
from courses.sources import is_address, is_below
from widgets.upload import Upload

TEACHING_ROLES = {"teacher", "lead", "operator"}


def may_open(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the person of this kernel may open cases of their own (XINGLIN_ROLE)."""
    return environment.get("XINGLIN_ROLE") in TEACHING_ROLES


def allowed(source: str, environment: Mapping[str, str] = os.environ) -> str:
    """The source that text in the field stands for: an address of XINGLIN_DICOMWEB (whole addresses, separated by
    blanks) or below one, or a folder or file below XINGLIN_IMPORTS. Raises Refusal for anything else."""
    if is_address(source):
        servers = environment.get("XINGLIN_DICOMWEB", "").split()
        if not servers:
            raise Refusal("No image server may be asked here: upload the files, or ask the operator to allow a server.")
        if not any(is_below(source, server) for server in servers):
            raise Refusal("Enter an address that begins with {servers}.", servers=", ".join(servers))
        return source
    if not environment.get("XINGLIN_IMPORTS"):
        raise Refusal("Opening folders is switched off here: upload the files, or ask the operator.")
    imports = Path(environment["XINGLIN_IMPORTS"]).resolve()
    path = (imports / source).resolve()
    if not path.is_relative_to(imports):
        raise Refusal("Enter a folder below the import folder, without “..”.")
    return str(path)


def open_uploaded(folder: Path, store: CaseStore) -> Series:
    """Open what was uploaded into `folder`; one file is opened as such, for it may be a zip."""
    files = list(folder.iterdir())
    return ingest(str(files[0] if len(files) == 1 else folder), store)


class OpenField(ipywidgets.VBox):  # type: ignore[misc]
    """打开其他病例: an upload button, an address field, and one line that says how it went."""

    def __init__(self, store: CaseStore, opened: Callable[[Series], None]) -> None:
        """`opened` takes the series once it is in the library."""
        self._store, self._opened = store, opened
        upload = Upload(
            lambda folder: self._try(lambda: open_uploaded(folder, store)),
            started=lambda: self.status.set_trait("value", ""),
            accept=".dcm,.zip,application/dicom,application/zip,application/octet-stream",
        )
        self._address = ipywidgets.Text(placeholder="导入文件夹内的名称，或 DICOMweb 地址", continuous_update=False)
        self._address.layout.width = "min(26rem, 100%)"
        button = ipywidgets.Button(description="打开")
        self.status = ipywidgets.HTML()
        button.on_click(lambda _: self._try(self._from_address))
        line = ipywidgets.HBox([upload, self._address, button])
        line.layout.flex_flow = "row wrap"
        super().__init__([ipywidgets.HTML("<b>教师：打开其他病例</b>"), line, self.status])
        self.add_class("xl-open")

    def _from_address(self) -> Series | None:
        source = self._address.value.strip()
        return ingest(allowed(source), self._store) if source else None

    def _try(self, act: Callable[[], Series | None]) -> None:
        self.status.value = '<span role="status">正在打开……</span>'
        try:
            made = act()
        except Refusal as refusal:
            self.status.value = f'<span role="alert">{html.escape(refusal.message.say("zh"))}</span>'
            return
        self.status.value = f'<span role="status">已打开：{html.escape(made.title)}</span>' if made else ""
        if made:
            self._opened(made)
