"""A small AFM host for browser tests: a page, a local model and the widget's bundle, as in the exam room.

with WidgetHost("dicom_viewer", {"series": ...}, frames=series.frame_bytes) as host:
    page.goto(host.url)
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import tornado.httpserver
import tornado.netutil
import tornado.web

from widgets.assets import STATIC, bundle_all
from widgets.labels import labels

PAGE = """<!doctype html><html><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>widget</title><style>body {{ margin: 8px; background: #eef1f3; }}</style></head>
<body><div id="host"></div>
<script id="jupyter-config-data" type="application/json">{{"fullLabextensionsUrl": "/static/labextensions"}}</script>
<script type="module">
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
    if (message.kind === "open") {{
      model.set("state", "open");
    }} else if (message.kind === "key") {{
      const reply = await fetch(`/keys/${{message.key}}`);
      const found = reply.ok ? [new DataView(await reply.arrayBuffer())] : [];
      emit("msg:custom", {{ kind: "key", id: message.id }}, found);
    }}
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

    def __init__(
        self,
        module: str,
        traits: dict[str, Any],
        frames: Callable[[int], bytes] | None = None,
        keys: Callable[[str], bytes | None] | None = None,
    ):
        bundle_all()
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

        class Key(tornado.web.RequestHandler):
            def get(self, key: str) -> None:
                data = keys(key) if keys else None
                if data is None:
                    raise tornado.web.HTTPError(404)
                self.finish(data)

        class Page(tornado.web.RequestHandler):
            def get(self) -> None:
                self.finish(page)

        routes: list[tuple[str, Any] | tuple[str, Any, dict[str, Any]]] = [
            ("/", Page),
            (r"/frames/(\d+)", Frame),
            (r"/keys/(.+)", Key),
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


@contextmanager
def page_of(chromium, host, language="zh", size=(1366, 768), touch=False, quiet=True, script=None):
    """A page with the widget on it; a console error or a request to another host fails the test."""
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, has_touch=touch)
    context.add_cookies([{"name": "xinglin_language", "value": language, "url": host.url}])
    page = context.new_page()
    problems = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith((host.url, "data:", "blob:")) else problems.append(request.url),
    )
    if script:
        page.add_init_script(script)
    page.goto(host.url)
    yield page
    context.close()
    assert not (quiet and problems), problems


def drag(page, start, *points):
    page.mouse.move(*start)
    page.mouse.down()
    for point in points:
        page.mouse.move(*point, steps=4)
    page.mouse.up()


def saved(page, name):
    """A field of the model as last saved, once the viewer has saved what it has."""
    page.wait_for_function("(name) => JSON.stringify(saved[name]) === JSON.stringify(model.get(name))", arg=name)
    return page.evaluate("(name) => saved[name]", name)
