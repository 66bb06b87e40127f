"""Opening a lab as an app: the platform's apps service against stock Voila with ipykernel, over the same built lab.

One run does both in turn. Page complete: from the request to the last byte of the page, with all its outputs; the
visitor is logged in already. Memory: proportional set size (PSS) of all kernels and their parents, by open labs, when
the herd is in.

    python -m benchmarks lab_page --opens 20 --herd 60
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import requests

from tests.support.platform import Platform, until
from tests.support.ports import free_port

LAB = "physiology/01_nerve"
PAGE_S = 150


class LostPageError(RuntimeError):
    """A page that came without its widgets: the server says that all is well, but its kernel did not run."""


def pss_mb(process: psutil.Process) -> float:
    """Memory of a process, MB; what it shares counts by its share."""
    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii")
    return int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[1]) / 1000  # type: ignore[index]


def kernels_of(top: int, word: str) -> list[psutil.Process]:
    """The processes below `top` with `word` in their command line."""
    return [child for child in psutil.Process(top).children(recursive=True) if word in " ".join(child.cmdline())]


def seconds(open_page: Callable[[], None]) -> float:
    """How long one page takes."""
    begun = time.perf_counter()
    open_page()
    return time.perf_counter() - begun


def herd(open_page: Callable[[], None], number: int) -> float:
    """Pages a second when `number` are opened at once, until the last that comes whole; stock loses some then."""
    begun = time.perf_counter()
    came: list[float] = []

    def one(_: int) -> None:
        with contextlib.suppress(requests.Timeout, LostPageError):
            open_page()
            came.append(time.perf_counter() - begun)

    with ThreadPoolExecutor(number) as pool:
        list(pool.map(one, range(number)))
    if len(came) < number:
        print(f"{number - len(came)} of {number} pages did not come whole within {PAGE_S} s.", file=sys.stderr)
    return len(came) / max(came)


@contextlib.contextmanager
def stock(lab: Path, cases: Path) -> Iterator[tuple[str, int]]:
    """(address of the lab's page, pid) of a stock Voila over the folder of `lab`."""
    port = free_port()
    command = [sys.executable, "-m", "voila", str(lab.parent), "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    command += ["--VoilaConfiguration.extension_allowlist=@jupyter-widgets/jupyterlab-manager"]
    environment = {"XINGLIN_CASES": str(cases)}
    with subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            url = f"http://127.0.0.1:{port}/voila/render/{lab.name}"
            until(lambda: answers(f"http://127.0.0.1:{port}/voila/static/voila.js"), 60, "stock Voila answers")
            yield url, server.pid
        finally:
            children = psutil.Process(server.pid).children(recursive=True)
            server.terminate()
            server.wait(30)
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()


def answers(url: str) -> bool:
    """Whether a server is there."""
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def measure(open_page: Callable[[], None], server: int, word: str, options: argparse.Namespace):
    """(median seconds of a page, pages a second in a herd, MB of an open lab); the first page is not counted.

    `word` is what the command lines of kernels have, the processes below `server`.
    """
    open_page()
    single = statistics.median(seconds(open_page) for _ in range(options.opens))
    pages = herd(open_page, options.herd)
    memory = sum(pss_mb(process) for process in kernels_of(server, word)) / (1 + options.opens + options.herd)
    return single, pages, memory


def fetch(session: requests.Session, url: str) -> None:
    """One page, to its end; one that waits in line tries again as the browser does."""
    while True:
        page = session.get(url, timeout=PAGE_S)
        if page.status_code != 503:
            break
        again = re.search(r"url=(\?ticket=[^\"]+)", page.text)
        url = url.split("?")[0] + (again[1] if again else "")
        time.sleep(float(page.headers["Retry-After"]))
    page.raise_for_status()
    if "application/vnd.jupyter.widget-view+json" not in page.text:
        raise LostPageError("The page has no widgets.")


def main() -> None:
    """Measure both and print the figures."""
    parser = argparse.ArgumentParser(prog=sys.argv[0], description=__doc__)
    parser.add_argument("--opens", type=int, default=5, help="pages opened one after the other")
    parser.add_argument("--herd", type=int, default=8, help="pages opened at once")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        platform = Platform(home).start()
        try:
            session = platform.session("student01")
            url = f"{platform.url}/services/apps/voila/render/{LAB}.ipynb"
            service = platform.part("hub.cli", "course")
            ours = measure(lambda: fetch(session, url), service.pid, "hub.kernels", options)
        finally:
            platform.stop()
        text = (home / "courses" / f"{LAB}.ipynb").read_text("utf-8").replace('"name": "xinglin"', '"name": "python3"')
        lab = Path(folder) / "stock" / "lab.ipynb"
        lab.parent.mkdir()
        lab.write_text(text, "utf-8")
        with stock(lab, home / "cases") as (url, pid):
            peer = measure(lambda: fetch(requests.Session(), url), pid, "ipykernel_launcher", options)
    figures = (("lab_page", "s"), ("lab_herd", "pages/s"), ("lab_memory", "MB"))
    for (name, unit), own, other in zip(figures, ours, peer, strict=True):
        ratio = own / other if unit == "pages/s" else other / own
        print(f"{name} {own:.3f} {other:.3f} {ratio:.1f} {unit}")


if __name__ == "__main__":
    main()
