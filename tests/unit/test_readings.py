import asyncio
import threading

import pytest

from exams.readings import Readings
from exams.sitting import Reading

NOBODY = Reading({}, {})


async def test_those_who_ask_at_once_share_one_reading():
    """Both ask before the reading is allowed to end."""
    go, read = threading.Event(), []

    def reading(exam):
        read.append(exam)
        go.wait(10)
        return NOBODY

    readings = Readings(reading)
    asking = [asyncio.create_task(readings.of("joint")) for _ in range(3)]
    other = asyncio.create_task(readings.of("other"))
    while len(read) < 2:
        await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*asking, other) == [NOBODY] * 4
    assert sorted(read) == ["joint", "other"]


async def test_a_reading_that_failed_is_not_kept():
    answers = [OSError("the disk is full"), NOBODY]

    def reading(_exam):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    readings = Readings(reading)
    with pytest.raises(OSError, match="the disk is full"):
        await readings.of("joint")
    assert await readings.of("joint") == NOBODY
