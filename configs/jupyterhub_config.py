"""JupyterHub's entry point: settings and plan in, configuration out (see hub/wiring.py)."""

import os

from traitlets.config import get_config

from hub.plan import plan_from
from hub.settings import load
from hub.wiring import apply

apply(load(), plan_from(os.environ), get_config())  # type: ignore[no-untyped-call]
