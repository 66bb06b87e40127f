"""A small AFM host for browser tests: a page, a local model and the widget's bundle, as in the exam room.

with WidgetHost("dicom_viewer", {"series": ...}, frames=series.frame_bytes) as host:
    page.goto(host.url)
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tornado.httpserver
import tornado.netutil
import tornado.web

from widgets.assets import STATIC, build
from widgets.labels import labels

PAGE = """<!doctype html><html><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>widget</title><style>body {{ margin: 8px; background: #eef1f3; }}</style></head>
<body><div id="host"></div><script type="module">
import widget from "/static/{module}.js";
const state = {traits};
const listeners = {{}};
const emit = (event, ...rest) => [...(listeners[event] ?? [])].forEach((act) => act(...rest));
export const model = {{
  get: (name) => state[name],
  set(name, value) {{
    if (JSON.stringify(state[name]) === JSON.stringify(value)) return;
    state[name] = value;
    emit(`change:${{name}}`);
  }},
  on: (event, act) => (listeners[event] ??= new Set()).add(act),
  off: (event, act) => listeners[event]?.delete(act),
  save_changes() {{ window.saved = structuredClone(state); }},
  async send(message) {{
    if (message.kind !== "frame") return;
    const reply = await fetch(`/frames/${{message.index}}`);
    const bytes = await reply.arrayBuffer();
    if (reply.ok) emit("msg:custom", {{ kind: "frame", index: message.index }}, [new DataView(bytes)]);
  }},
}};
window.model = model;
window.saved = structuredClone(state);
window.cleanup = await widget.render({{ model, el: document.getElementById("host") }});
</script></body></html>"""


class WidgetHost:
    """Serves one widget at `url` on a free port of 127.0.0.1, in a thread of its own."""

    def __init__(self, module: str, traits: dict[str, Any], frames: Callable[[int], bytes] | None = None):
        build()
        page = PAGE.format(module=module, traits=json.dumps({"labels": labels(), **traits}))
        self.asked: list[int] = []
        self.broken: set[int] = set()
        host = self

        class Frame(tornado.web.RequestHandler):
            def get(self, index: str) -> None:
                host.asked.append(int(index))
                if frames is None or int(index) in host.broken:
                    raise tornado.web.HTTPError(503, log_message="broken on purpose")
                self.finish(frames(int(index)))

        class Page(tornado.web.RequestHandler):
            def get(self) -> None:
                self.finish(page)

        routes = [
            ("/", Page),
            (r"/frames/(\d+)", Frame),
            (r"/static/(.*)", tornado.web.StaticFileHandler, {"path": STATIC}),
        ]
        self._app = tornado.web.Application(routes, log_function=lambda _: None)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
        server = tornado.httpserver.HTTPServer(self._app)
        server.add_sockets(sockets)
        self.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/"
        self._ready.set()
        await self._stop.wait()
        server.stop()
        await server.close_all_connections()

    def __enter__(self) -> WidgetHost:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


def shared() -> Path | None:
    """The folder of real data, where it is present."""
    candidates = [os.environ.get("XINGLIN_SHARED"), Path(__file__).resolve().parents[3] / "shared"]
    return next((Path(path) for path in candidates if path and (Path(path) / "data").is_dir()), None)
