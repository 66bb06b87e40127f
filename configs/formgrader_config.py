"""Jupyter Server for nbgrader's formgrader, inside its sandbox: marking, and nothing else."""

from traitlets.config import get_config

c = get_config()  # type: ignore[no-untyped-call]
c.ServerApp.root_dir = "/course"
c.CourseDirectory.root = "/course"
c.Exchange.root = "/tmp/exchange"  # nothing is exchanged here; formgrader only looks whether it could be
c.CourseDirectory.db_url = "sqlite:////course/gradebook/gradebook.db"
c.ServerApp.terminals_enabled = False
c.ServerApp.default_url = "/formgrader"
# no kernel specification, no kernel: whoever marks must not get a shell beside the gradebook
c.KernelSpecManager.allowed_kernelspecs = {"none"}
c.KernelSpecManager.ensure_native_kernel = False
