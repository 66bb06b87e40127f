"""A process that writes into a sitting store: `python -m tests.support.sitting_writer URL NAME CANDIDATES ROUNDS`.

Each acknowledged response becomes one line: candidate number and sequence.
"""

import sys

from exams.change import Origin
from exams.response import Response
from exams.sitting import SittingStore
from exams.timing import Allowance

SEAT = "a-seat-of-this-test"
HERE = Origin("device", "127.0.0.1", "test")


def main(url: str, name: str, candidates: int, rounds: int) -> None:
    store = SittingStore(url)
    allowance = Allowance(600, store.now() + 36_000_000)
    numbers = [f"{name}{place}" for place in range(candidates)]
    entering = [store.enter("e", number, "A", 7, allowance, seat=SEAT, actor=number, origin=HERE) for number in numbers]
    sittings = [each.result() for each in entering]
    print("entered", flush=True)
    for sequence in range(1, rounds + 1):
        response = Response(sequence, f"i{sequence % 9}", f"{sequence}", False, name)
        for number, saving in [(own.number, store.save(own, SEAT, [response])) for own in sittings]:
            saving.result()
            print(number, sequence, flush=True)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
