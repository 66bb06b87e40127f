"""Zips for tests, sound and hostile."""

import io
import stat
import zipfile
from collections.abc import Collection, Mapping


def packed(files: Mapping[str, str | bytes], *, links: Collection[str] = ()) -> bytes:
    """A zip of {name: text or bytes}; `links` are names that are symbolic links."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFLNK | 0o777 if name in links else 0o644) << 16
            archive.writestr(entry, text)
    return data.getvalue()


def manifest(*paths, kind="imsqti_item_xmlv2p1", metadata=""):
    """An imsmanifest.xml that lists items."""
    resources = "".join(
        f'<resource identifier="R{place}" type="{kind}" href="{path}"><metadata>{metadata}</metadata>'
        f'<file href="{path}"/></resource>'
        for place, path in enumerate(paths)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><manifest identifier="M" '
        'xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" xmlns:imsmd="http://ltsc.ieee.org/xsd/LOM">'
        f"<metadata><schema>IMS Content</schema></metadata><organizations/>"
        f"<resources>{resources}</resources></manifest>"
    )
