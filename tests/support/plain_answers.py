"""A stand-in for `xinglin answers` with the same lines of JSON and no sandbox: for tests, of answers they wrote."""

import contextlib
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from courses.values import encode


def outcome(error: BaseException) -> dict[str, Any]:
    bases = [one.__name__ for one in type(error).__mro__ if issubclass(one, BaseException)]
    return {"raised": {"type": type(error).__name__, "bases": bases, "text": str(error)[:500]}}


def recorder(leaves: list[Any]) -> Callable[[int, Callable[[], Any]], Any]:
    """A `__leaf__` that keeps what each leaf gives."""

    def leaf(number: int, thunk: Callable[[], Any]) -> Any:
        try:
            value = thunk()
        except BaseException as error:  # SystemExit and its like are what an answer may raise, too
            leaves.append([number, outcome(error)])
            raise
        leaves.append([number, {"value": encode(value)}])
        return value

    return leaf


def run_probe(shell: InteractiveShell, source: str, leaves: list[Any]) -> dict[str, Any] | None:
    shell.user_ns["__leaf__"] = recorder(leaves)
    try:
        exec(compile(source, "<probe>", "exec"), shell.user_ns)
    except BaseException as error:  # the same
        return {"ename": type(error).__name__, "evalue": str(error), "traceback": traceback.format_exception(error)}
    finally:
        del shell.user_ns["__leaf__"]
    return None


def run_cell(shell: InteractiveShell, cell: dict[str, Any]) -> dict[str, Any]:
    leaves: list[Any] = []
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        if cell["probe"]:
            error = run_probe(shell, cell["source"], leaves)
        else:
            found = shell.run_cell(cell["source"])
            raised = found.error_before_exec or found.error_in_exec
            error = raised and {"ename": type(raised).__name__, "evalue": str(raised), "traceback": [str(raised)]}
    texts = [("stdout", out.getvalue()), ("stderr", err.getvalue())]
    outputs = [{"output_type": "stream", "name": name, "text": text} for name, text in texts if text]
    if error:
        outputs.append({"output_type": "error", **error})
    return {"outputs": outputs, "error": error, "leaves": leaves}


def child(job: dict[str, Any], writer: int) -> None:
    try:
        import signal

        signal.alarm(max(1, int(job["wall_s"])))
        shell = InteractiveShell()
        with os.fdopen(writer, "w") as file:
            for cell in job["cells"]:
                file.write(json.dumps(run_cell(shell, cell)) + "\n")
                file.flush()
    finally:
        os._exit(0)


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        reader, writer = os.pipe()
        if not (pid := os.fork()):
            os.close(reader)
            child(job, writer)
        os.close(writer)
        with os.fdopen(reader) as file:
            cells = [json.loads(own) for own in file]
        os.waitpid(pid, 0)
        stopped = None if len(cells) == len(job["cells"]) else {"why": "time", "cell": len(cells)}
        print(json.dumps({"id": job["id"], "cells": cells, "stopped": stopped, "seconds": 0.0}), flush=True)


if __name__ == "__main__":
    main()
