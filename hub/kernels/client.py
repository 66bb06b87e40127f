"""Clients of forked kernels: ready as soon as the kernel has said so.

jupyter_client's own `wait_for_ready` ends with a fifth of a second of silence on iopub, ten times what a fork takes.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from queue import Empty
from typing import Any

from jupyter_client.client import KernelClient
from jupyter_core.utils import ensure_async, run_sync

Message = dict[str, Any]
LOOK_S = 1.0
"""A kernel that does not answer is asked again so often, and whether it lives."""


async def wait_for_ready(self: Any, timeout: float | None = None) -> None:
    """As KernelClient's: until the kernel has answered and iopub is connected and empty.

    Empty it is once the kernel has told there that it is done with the question. Raises RuntimeError where the kernel
    dies or `timeout` seconds pass.
    """
    deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
    while True:
        asked = self.kernel_info()
        reply = await _told(self.shell_channel, is_reply)
        if reply is not None and await _told(self.iopub_channel, functools.partial(is_done, asked)):
            self._handle_kernel_info_reply(reply)
            return
        if not await self._async_is_alive():
            raise RuntimeError("Kernel died before replying to kernel_info")
        if time.monotonic() > deadline:
            raise RuntimeError(f"Kernel didn't respond in {timeout:.0f} seconds")


async def _told(channel: Any, wanted: Callable[[Message], bool]) -> Message | None:
    """The first message of `channel` that is `wanted`; None where it is silent."""
    message: Message
    try:
        while not wanted(message := await ensure_async(channel.get_msg(timeout=LOOK_S))):
            pass
    except Empty:
        return None
    return message


def is_reply(message: Message) -> bool:
    """Whether the kernel answers here that it is there."""
    return bool(message["msg_type"] == "kernel_info_reply")


def is_done(asked: str, message: Message) -> bool:
    """Whether the kernel says here that it is done with the request `asked`."""
    return bool(message["content"].get("execution_state") == "idle" and message["parent_header"].get("msg_id") == asked)


@functools.cache
def prompt(client: type[KernelClient]) -> type[KernelClient]:
    """The class `client` with our `wait_for_ready`; itself where it has none."""
    stock = getattr(client, "wait_for_ready", None)
    if stock is None or "_stock" in vars(client):
        return client
    ours = wait_for_ready if inspect.iscoroutinefunction(stock) else run_sync(wait_for_ready)
    return type(client.__name__, (client,), {"wait_for_ready": ours, "_stock": client, "__doc__": client.__doc__})
