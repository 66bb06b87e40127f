"""JupyterHub's configuration from settings and plan: one pure function over a traitlets Config."""

from __future__ import annotations

import sys
from typing import Any

from hub.plan import LOOPBACK, Plan
from hub.roles import load_roles
from hub.sandbox import bwrap
from hub.secrets import token
from hub.settings import ROOT, Settings

ROUTES_CHECK_S = 15
"""How soon the hub notices that a proxy started anew has lost the routes of students' servers."""
LOGIN_MINUTES = 10
"""How long an account is closed after FAILED_LOGINS wrong passwords."""
FAILED_LOGINS = 10
ROLES_S = 60
"""How soon a person who is logged in has the role that the directory gives them now."""
MINIMUM_PASSWORD = 10
"""Characters of a password that a person chooses."""


def apply(settings: Settings, plan: Plan, c: Any) -> None:
    """Set everything JupyterHub needs on `c`."""
    collaboration = settings.exams.collaboration
    secrets_folder = settings.home / "secrets"
    hub = c.JupyterHub
    hub.bind_url = f"http://{settings.server.address}:{settings.server.port}"
    hub.hub_ip, hub.hub_port = LOOPBACK, plan.ports["hub"]
    hub.db_url = settings.hub_database_url
    hub.cookie_secret = bytes.fromhex(token(secrets_folder, "cookie-secret"))
    hub.proxy_class = "configurable-http-proxy"
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = plan.url("proxy-api")
    c.ConfigurableHTTPProxy.auth_token = plan.tokens["proxy"]
    hub.last_activity_interval = ROUTES_CHECK_S
    hub.template_paths = [str(ROOT / "hub" / "templates")]
    hub.default_url = "/hub/home"
    hub.load_roles = load_roles(collaboration)
    hub.services = [
        _service("apps", plan.url("apps"), plan.tokens["apps"]),
        _service("exams", plan.url("exams"), plan.tokens["exams"]),
        _service(collaboration, plan.url("formgrader"), plan.tokens["formgrader"]),
        {"name": "idle-culler", "api_token": plan.tokens["idle-culler"]},
    ]
    _authenticator(c)
    _spawner(settings, c)


def _service(name: str, url: str, api_token: str) -> dict[str, Any]:
    """A service of our own, run beside the hub; logging in there asks nobody for confirmation."""
    return {
        "name": name,
        "url": url,
        "api_token": api_token,
        "oauth_client_id": f"service-{name}",
        "oauth_redirect_uri": f"/services/{name}/oauth_callback",
        "oauth_no_confirm": True,
        "display": False,
    }


def _authenticator(c: Any) -> None:
    c.JupyterHub.authenticator_class = "hub.authenticator.XinglinAuthenticator"
    authenticator = c.XinglinAuthenticator
    authenticator.manage_groups = True
    authenticator.auth_refresh_age = ROLES_S
    authenticator.allow_all = True  # whoever has a password has been given it by an operator
    authenticator.enable_signup = False
    authenticator.minimum_password_length = MINIMUM_PASSWORD
    authenticator.check_common_password = True
    authenticator.allowed_failed_logins = FAILED_LOGINS
    authenticator.seconds_before_next_try = LOGIN_MINUTES * 60


def _spawner(settings: Settings, c: Any) -> None:
    c.JupyterHub.spawner_class = "hub.spawner.SandboxSpawner"
    c.JupyterHub.allow_named_servers = False
    c.JupyterHub.concurrent_spawn_limit = 10
    spawner = c.SandboxSpawner
    spawner.homes = str(settings.home / "homes")
    spawner.courses = str(settings.home / "courses")
    spawner.memory_mb = settings.jupyterlab.memory_mb
    spawner.processes = settings.jupyterlab.processes
    spawner.disable_user_config = True
    spawner.default_url = "/lab"
    spawner.interrupt_timeout = 1
    spawner.args = [
        "--ServerApp.root_dir=/home/student",
        f"--LabApp.extra_labextensions_path={ROOT / 'widgets' / 'static' / 'labextensions'}",
    ]


def jupyterlab_offered(settings: Settings) -> bool:
    """Whether students get a JupyterLab: switched on, and a sandbox to run it in."""
    return settings.jupyterlab.enabled and bwrap() is not None and sys.platform == "linux"
