"""All benchmarks, or the one named: `python -m benchmarks [NAME]`. A figure is one line: name ours peer ratio unit."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence

import benchmarks


def names() -> list[str]:
    """The benchmarks there are: the modules beside this one."""
    return sorted(
        module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")
    )


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark named first with what follows as its own options; without a name all."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measurements beside their peers.",
        epilog="Example: %(prog)s exam_room",
    )
    parser.add_argument("name", nargs="?", help=f"one of {', '.join(names())}; left out: all")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="options of that benchmark, see NAME --help")
    chosen = parser.parse_args(arguments)
    if chosen.name is not None and chosen.name not in names():
        raise SystemExit(f"There is no benchmark {chosen.name!r}; there are: {', '.join(names())}.")
    for name in names() if chosen.name is None else [chosen.name]:
        sys.argv = [f"python -m benchmarks {name}", *chosen.options]
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
