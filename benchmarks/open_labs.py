"""Many labs open at once, while some of their sliders move: how soon the picture follows, and memory an open lab.

A browser's part is played by WebSockets from this process: opened as a page does, the slider moved as ipywidgets does.
The time is from the move to the kernel's word that it is done, which comes after the new picture. The peers are
budgets: 200 ms (95th percentile) and 25 MB (proportional set size, parents included).

    python -m benchmarks open_labs --labs 200 --moves 20 --seconds 20
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import requests
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from benchmarks.lab_page import LAB, kernels_of, pss_mb
from hub.apps import PROTOCOL
from tests.support.platform import Platform

SLIDER = "刺激强度"
BUDGET_MS, BUDGET_MB = 200.0, 25.0
ANSWER_S = 60
WIDGETS = {"version": "1.0.0"}
"""Of ipywidgets' control protocol; without it a page is refused."""


def packed(value: Any) -> bytes:
    """As on the wire."""
    return json.dumps(value).encode()


class OpenLab:
    """One page: its WebSocket, and what it asks of its kernel."""

    socket: WebSocketClientConnection

    def __init__(self, platform: Platform, session: requests.Session) -> None:
        self._platform, self._session = platform, session
        page = session.get(f"{platform.url}/services/apps/voila/render/{LAB}.ipynb", timeout=120)
        page.raise_for_status()
        config = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page.text, re.DOTALL)
        self.kernel = json.loads(config[1])["kernelId"]  # type: ignore[index]

    async def connect(self) -> None:
        """As the page's script does."""
        url = f"{self._platform.url.replace('http', 'ws')}/services/apps/api/kernels/{self.kernel}/channels"
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._session.cookies)
        request = HTTPRequest(url, headers={"Cookie": cookies, "Origin": self._platform.url})
        self.socket = await websocket_connect(request, subprotocols=[PROTOCOL], max_message_size=2**26)

    async def ask(self, kind: str, content: dict[str, Any]) -> list[dict[str, Any]]:
        """Send, and read until the kernel is done with it; the content of everything that came."""
        header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": "bench", "username": "", "version": "5.3"}
        message = {"header": header, "parent_header": {}, "metadata": WIDGETS, "content": content}
        await self.socket.write_message(serialize_msg_to_ws_v1(message, "shell", packed), binary=True)
        came = []
        while (received := await asyncio.wait_for(self.socket.read_message(), ANSWER_S)) is not None:
            _channel, (_header, parent, _metadata, told, *_buffers) = deserialize_msg_from_ws_v1(received)
            came.append(json.loads(told))
            if json.loads(parent).get("msg_id") == header["msg_id"] and came[-1].get("execution_state") == "idle":
                return came
        raise RuntimeError("The kernel is gone.")

    async def slider(self) -> str:
        """The model id of the slider, from the widgets' states that the page asks for."""
        control = uuid.uuid4().hex
        await self.ask("comm_open", {"comm_id": control, "target_name": "jupyter.widget.control", "data": {}})
        for told in await self.ask("comm_msg", {"comm_id": control, "data": {"method": "request_states"}}):
            for model, found in told.get("data", {}).get("states", {}).items():
                if str(found["state"].get("description")).startswith(SLIDER):
                    return str(model)
        raise RuntimeError("The lab has no such slider.")


async def move(labs: list[OpenLab], slider: str, moves: float, seconds: float) -> list[float]:
    """Move sliders of random labs, `moves` a second; the seconds each took."""
    idle, taken = set(labs), []

    async def one(lab: OpenLab, due: float) -> None:
        state = {"method": "update", "state": {"value": round(random.uniform(5, 60), 1)}, "buffer_paths": []}
        await lab.ask("comm_msg", {"comm_id": slider, "data": state})
        taken.append(time.perf_counter() - due)
        idle.add(lab)

    tasks, begun = [], time.perf_counter()
    for number in range(int(moves * seconds)):
        due = begun + number / moves
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if not idle:
            raise RuntimeError("All labs are still busy with their last move.")
        lab = random.choice(list(idle))
        idle.discard(lab)
        tasks.append(asyncio.create_task(one(lab, due)))
    await asyncio.gather(*tasks)
    return taken


async def run(platform: Platform, options: argparse.Namespace) -> tuple[float, float]:
    """(95th percentile of a move in ms, MB of an open lab): open all, then move."""
    session = platform.session("student01")
    labs = []
    for _ in range(options.labs):
        lab = await asyncio.to_thread(OpenLab, platform, session)
        await lab.connect()
        labs.append(lab)
    slider = await labs[0].slider()
    for lab in labs:
        await lab.ask("kernel_info_request", {})
    taken = await move(labs, slider, options.moves, options.seconds)
    service = platform.part("hub.cli", "course")
    memory = sum(pss_mb(process) for process in kernels_of(service.pid, "hub.kernels")) / options.labs
    for lab in labs:
        lab.socket.close()
    return 1000 * statistics.quantiles(taken, n=20)[-1], memory


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(prog=sys.argv[0], description=__doc__)
    parser.add_argument("--labs", type=int, default=10, help="labs open at once")
    parser.add_argument("--moves", type=float, default=5, help="moves of a slider a second, over all labs")
    parser.add_argument("--seconds", type=float, default=4, help="how long sliders move")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(Path(folder) / "home").start()
        try:
            slow, memory = asyncio.run(run(platform, options))
        finally:
            platform.stop()
    print(f"open_labs_slider_p95 {slow:.1f} {BUDGET_MS} {BUDGET_MS / slow:.2f} ms")
    print(f"open_labs_memory {memory:.1f} {BUDGET_MB} {BUDGET_MB / memory:.2f} MB")


if __name__ == "__main__":
    main()
