"""The routes to our services, set in a real configurable-http-proxy."""

import asyncio
import http.server
import json
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request

import pytest

from hub import routes
from hub.plan import LISTENERS, Plan
from hub.serve import PROXY, program_path
from tests.support.platform import until
from tests.support.ports import free_port

SECRET = "of-this-test"


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"hello from {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


@pytest.fixture(scope="module")
def service():
    """A service's port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def plan(service):
    ports = {listener: free_port() for listener in LISTENERS}
    return Plan(ports | {"exams": service}, {"proxy": SECRET})


@pytest.fixture
def proxy(plan):
    """Starts a proxy for `plan`; gives its public port."""
    started = []

    def start():
        port = free_port()
        command = ["node", str(PROXY), "--ip", "127.0.0.1", "--port", str(port), "--api-ip", "127.0.0.1"]
        command += ["--api-port", str(plan.ports["proxy-api"]), "--log-level", "error"]
        environment = {"PATH": program_path(), "CONFIGPROXY_AUTH_TOKEN": SECRET}
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True))
        return port

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)  # node from PyPI is a script with the real one below it
        process.wait()


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as reply:
        return reply.read().decode()


async def test_routes_are_set_as_soon_as_the_proxy_is_up(plan, proxy):
    setting = asyncio.create_task(routes.restore(plan, {"exams": "exams"}))
    await asyncio.sleep(0)  # it asks before there is anybody to answer
    port = proxy()
    await asyncio.wait_for(setting, 30)
    said = await asyncio.to_thread(get, f"http://127.0.0.1:{port}/services/exams/a?b=1")
    assert said == "hello from /services/exams/a?b=1"
    table = json.loads(
        await asyncio.to_thread(get, f"{plan.url('proxy-api')}/api/routes", Authorization=f"token {SECRET}")
    )
    route = table["/services/exams"]
    # jupyterhub.proxy.Proxy.check_routes takes a route with these data for its own service's, and leaves it alone
    assert (route["jupyterhub"], route["service"], route["target"]) == (True, "exams", plan.url("exams"))


async def test_a_route_is_not_set_without_the_token(plan, proxy):
    port = proxy()
    until(lambda: open_port(port), 30, "the proxy is up")
    stranger = Plan(plan.ports, {"proxy": "another"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        await asyncio.to_thread(routes.set_route, stranger, "exams", "exams")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        await asyncio.to_thread(get, f"http://127.0.0.1:{port}/services/exams/")


def open_port(port):
    try:
        get(f"http://127.0.0.1:{port}/")
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


async def test_where_there_is_no_proxy_it_gives_up(plan, monkeypatch):
    monkeypatch.setattr(routes, "TRIES", 3)
    monkeypatch.setattr(routes, "TRY_S", 0.01)
    with pytest.raises(OSError, match="refused"):
        await routes.restore(plan, {"exams": "exams"})
