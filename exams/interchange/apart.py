"""Reading and writing other programs' files in a process of its own, with limits on memory and time.

The caller's process never parses a byte of an upload: what a hostile file can take down is a child that was going to
end anyway. `python -m exams.interchange.apart` is that child.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from exams.documents import DocumentError, Fields
from exams.interchange import formats
from exams.interchange.bankfile import Defaults
from exams.interchange.report import Loss
from exams.items import Item, groups_of, parse_items

ORDER, RESULT, FILE = "order.json", "result.json", "file"
MEMORY_BYTES = 2 << 30
SECONDS = 100


def imported(folder: Path, name: str, stem: str, defaults: Defaults) -> tuple[dict[str, Any], list[Loss]]:
    """`formats.imported` of the file `FILE` in the empty `folder`: plain data of a bank file, and the report.

    Raises DocumentError where the file is refused. Takes SECONDS at most; call it from a thread where that matters.
    """
    result = _result(folder, {"format": name, "stem": stem, "defaults": asdict(defaults)})
    return result["data"], [Loss(**loss) for loss in result["losses"]]


def exported(folder: Path, items: Sequence[Item], name: str) -> list[Loss]:
    """`formats.exported` into the file `FILE` of the empty `folder`; the report. Groups must be whole."""
    groups = [
        {"id": one.id} | ({"stem": one.stem} if one.stem else {"options": dict(one.options)})
        for one in groups_of(items)
    ]
    result = _result(folder, {"format": name, "items": [item.document() for item in items], "groups": groups})
    return [Loss(**loss) for loss in result["losses"]]


def _result(folder: Path, order: Mapping[str, Any]) -> Any:
    """What the child tells. Raises DocumentError where it refuses, or has to be stopped."""
    (folder / ORDER).write_text(json.dumps(order), encoding="utf-8")
    child = subprocess.Popen(
        [sys.executable, "-m", "exams.interchange.apart", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    try:
        child.wait(SECONDS)
    except subprocess.TimeoutExpired:
        raise DocumentError("The file takes too long: split it and work on the parts.") from None
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if child.returncode or not (folder / RESULT).exists():
        raise DocumentError("The file needs more memory than allowed, or breaks its reader: export it again.")
    result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    if "refused" in result:
        raise DocumentError(result["refused"])
    return result


def main() -> int:
    """The child: reads its order in the folder given, and writes there what came of it."""
    folder = Path(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    order = json.loads((folder / ORDER).read_text(encoding="utf-8"))
    try:
        answer = _export(folder, order) if "items" in order else _import(folder, order)
    except DocumentError as error:
        answer = {"refused": error.sentence}
    (folder / RESULT).write_text(json.dumps(answer), encoding="utf-8")
    return 0


def _import(folder: Path, order: Mapping[str, Any]) -> dict[str, Any]:
    data = (folder / FILE).read_bytes()
    made, losses = formats.imported(data, order["format"], order["stem"], Defaults(**order["defaults"]))
    return {"data": made.data, "losses": [loss.plain() for loss in losses]}


def _export(folder: Path, order: Mapping[str, Any]) -> dict[str, Any]:
    items = parse_items(Fields({"items": order["items"], "groups": order["groups"]}))
    data, losses = formats.exported(items, order["format"])
    (folder / FILE).write_bytes(data)
    return {"losses": [loss.plain() for loss in losses]}


if __name__ == "__main__":
    raise SystemExit(main())
