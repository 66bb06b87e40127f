"""Jupyter Server for nbgrader's formgrader, inside its sandbox: marking, and nothing else."""

from jupyter_server.auth import Authorizer
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets.config import get_config


class NoKernels(AsyncMappingKernelManager):
    """Whoever marks must not get a shell beside the gradebook."""

    async def start_kernel(self, **_options):  # type: ignore[no-untyped-def, override]
        """Refuse."""
        raise HTTPError(403, reason="There are no kernels here")


class NothingButFormgrader(Authorizer):
    """Jupyter's own doors are shut: files (the papers' sources hold the keys, the Gradebook the marks), shutdown.

    Formgrader does not ask it: who may open formgrader is the hub's scopes.
    """

    def is_authorized(self, handler, user, action, resource):  # type: ignore[no-untyped-def] # noqa: ARG002
        """Nobody may do anything."""
        return False


c = get_config()  # type: ignore[no-untyped-call]
c.ServerApp.root_dir = "/course"
c.ServerApp.terminals_enabled = False
c.ServerApp.kernel_manager_class = NoKernels
c.ServerApp.authorizer_class = NothingButFormgrader
c.ServerApp.default_url = "/formgrader"
c.CourseDirectory.root = "/course"
c.CourseDirectory.db_url = "sqlite:////course/gradebook/gradebook.db"
# nothing is exchanged here; formgrader only looks whether it could be
c.Exchange.root = "/tmp/exchange"  # noqa: S108 - the sandbox's own
