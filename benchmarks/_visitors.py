"""The candidates of the exam room's benchmark: what each of them does, and how long each had to wait.

They share a machine with what they measure, so they do no more than they must: of a reply they read its length.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

TOKEN = "0" * 32  # Tornado's XSRF token, version 1: the cookie and the header must agree
SEAT = "benchmark-seat-1"
AGAIN_S = (0.2, 0.6)
"""A candidate's page that gets no answer asks again after so long."""
FORM = "application/x-www-form-urlencoded"

Answer = tuple[str, bytes]
Took = tuple[float, bool]
"""Milliseconds, and whether the service was away meanwhile."""


@dataclass(frozen=True)
class Plan:
    """When they come, save, ask for the state (`beat`) and hand in (s); and where: below `prefix` at `port`."""

    port: int
    prefix: str
    exam: str
    items: Sequence[str]
    within: float
    every: float
    seconds: float
    beat: float


@dataclass
class Visitor:
    """One candidate's browser: a connection that stays open, and is made anew when the service was away."""

    number: str
    code: str
    cookie: str = f"xinglin-exams-xsrf={TOKEN}"
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    acknowledged: list[int] = field(default_factory=list)
    waited: float = 0.0  # s since it last asked for the state

    async def ask(self, plan: Plan, path: str, content: bytes, kind: str = "application/json") -> Answer:
        """POST `content`, or GET where there is none; the reply's head and body. Raises RuntimeError for a refusal."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", plan.port)
        assert self.reader is not None
        head = f"{'POST' if content else 'GET'} {plan.prefix}{path} HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Content-Length: {len(content)}\r\nContent-Type: {kind}\r\nCookie: {self.cookie}\r\n"
        head += f"X-XSRFToken: {TOKEN}\r\n\r\n"
        self.writer.write(head.encode() + content)
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        _before, _name, length = answer.partition("Content-Length: ")
        body = await self.reader.readexactly(int(length.partition("\r\n")[0] or 0))
        if answer[9:12] not in {"200", "302"}:
            raise RuntimeError(answer.splitlines()[0] + body.decode()[:200])
        return answer, body

    async def timed(
        self, plan: Plan, path: str, content: bytes, kind: str = "application/json", done: str = "never"
    ) -> tuple[Answer, Took]:
        """`ask`, again and again while the service is away.

        done: the refusal that says, when asked again, that it was done before the service went away.
        """
        begun, away = time.monotonic(), False
        while True:
            try:
                answer = await self.ask(plan, path, content, kind)
            except (OSError, asyncio.IncompleteReadError):
                if self.writer is not None:
                    self.writer.close()
                self.writer, away = None, True
                await asyncio.sleep(random.uniform(*AGAIN_S))
            except RuntimeError as refusal:
                if not away or f'"error": "{done}"' not in str(refusal):
                    raise
                return ("", b""), ((time.monotonic() - begun) * 1000, away)
            else:
                return answer, ((time.monotonic() - begun) * 1000, away)


@dataclass
class Times:
    """What each start, save, look at the state, and submit took."""

    start: list[Took] = field(default_factory=list)
    save: list[Took] = field(default_factory=list)
    state: list[Took] = field(default_factory=list)
    submit: list[Took] = field(default_factory=list)


def packed(**body: object) -> bytes:
    """A JSON object as it is sent."""
    return json.dumps(body).encode()


async def admitted(visitor: Visitor, plan: Plan) -> Took:
    """Come in with the ticket."""
    form = urlencode({"number": visitor.number, "code": visitor.code}).encode()
    (head, _page), took = await visitor.timed(plan, "ticket", form, FORM)
    set_cookies = [line.split(":", 1)[1] for line in head.splitlines() if line.lower().startswith("set-cookie:")]
    visitor.cookie = ";".join([visitor.cookie, *(given.partition(";")[0] for given in set_cookies)])
    return took


async def sit(visitor: Visitor, plan: Plan, place: float, times: Times) -> None:
    """Come with the ticket and start, save every so many seconds, hand in; `place` (0 to 1) is one's turn."""
    api = f"api/{plan.exam}"
    await asyncio.sleep(place * plan.within)
    ticket_ms, away = await admitted(visitor, plan)
    _answer, (enter_ms, again) = await visitor.timed(plan, f"{api}/enter", packed(seat=SEAT))
    times.start.append((ticket_ms + enter_ms, away or again))
    sequence = 0
    await writes(visitor, plan, time.monotonic() + random.uniform(0, plan.every), times)
    end = time.monotonic() + plan.seconds
    while (due := time.monotonic() + plan.every) < end or not sequence:
        sequence += 1
        item = plan.items[sequence % len(plan.items)]
        response = {"sequence": sequence, "item": item, "value": "B", "device": "benchmark"}
        content = packed(seat=SEAT, responses=[response])
        (_head, reply), took = await visitor.timed(plan, f"{api}/responses", content)
        times.save.append(took)
        visitor.acknowledged += json.loads(reply)["acknowledged"]
        visitor.waited = 0.0  # saving told the page how things stand
        await writes(visitor, plan, due, times)
    await writes(visitor, plan, time.monotonic() + random.uniform(0, plan.within), times)
    content = packed(seat=SEAT, sequence=sequence)
    _answer, took = await visitor.timed(plan, f"{api}/submit", content, done="closed")
    times.submit.append(took)


async def writes(visitor: Visitor, plan: Plan, until: float, times: Times) -> None:
    """Let time pass; meanwhile the page asks for the state of the sitting now and then."""
    while (beat := time.monotonic() + plan.beat * random.uniform(0.75, 1.25) - visitor.waited) < until:
        await asyncio.sleep(max(0.0, beat - time.monotonic()))
        visitor.waited = 0.0
        _answer, took = await visitor.timed(plan, f"api/{plan.exam}/state", b"")
        times.state.append(took)
    begun = time.monotonic()
    await asyncio.sleep(max(0.0, until - begun))
    visitor.waited += max(0.0, until - begun)


async def all_sit(visitors: Sequence[Visitor], plan: Plan) -> Times:
    """A whole sitting of all."""
    times = Times()
    turns = enumerate(visitors)
    await asyncio.gather(*(sit(own, plan, at / len(visitors), times) for at, own in turns))
    return times
