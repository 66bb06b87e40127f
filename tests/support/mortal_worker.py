"""A preload for Dask's workers, for tests: a batch in which a submission says so ends the process that marks it."""

import os
import signal
from typing import Any

from exams.autograde.batch import HOME

ENDS = "this submission ends its worker"


def dask_setup(worker: Any) -> None:
    mark = HOME.mark

    def mortal(request: bytes) -> bytes:
        if ENDS.encode() in request:
            os.kill(os.getpid(), signal.SIGKILL)
        return mark(request)

    HOME.mark = mortal  # type: ignore[method-assign]
