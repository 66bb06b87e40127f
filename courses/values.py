"""Values as plain JSON and back: what a program that is not trusted hands to one that is.

A value keeps its exact type: None, bool, int, float, complex, str, bytes, list, tuple, dict (any keys) and what
`keys`, `values` and `items` of it give, deque, Counter, OrderedDict, defaultdict (without its factory), set, frozenset,
range, Fraction, Decimal, dates and times, NumPy scalars and arrays of numbers, truth values, text and times. A named
tuple becomes the tuple that it equals. All else, as functions, modules and instances of other classes (subclasses of
the types above too), is no data and becomes an `Opaque`, where it stands. Nothing is ever run to read a value: there is
no pickle and no eval.

    decode(encode({"rates": (72, 80.5)})) == {"rates": (72, 80.5)}

What decode gives is data, but it is hostile data: a set of numbers whose hashes are equal takes long to build, and an
integer may have a million digits. Decode and use it in a process with limits.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

import numpy as np

DEPTH = 20
"""Of containers in containers: 20 lists in one another are data, 21 are not."""
SIZE = 2_000_000
"""Characters of an encoded value, with `NODE` for each value in it."""
NODE = 8
SAFE_INTEGER = 2**53  # up to here every JSON reader keeps a number
DTYPE = re.compile(r"[<>|][biufcSUMm]\d{1,7}(\[\d{0,6}[a-zA-Z]{1,2}\])?")
DATA_KINDS = "biufcSUMm"  # NumPy's kinds of dtypes that hold data and no references
MOST_AXES = 32
DECIMAL = re.compile(r"-?(\d+(\.\d+)?(E[+-]\d+)?|Infinity|s?NaN\d*)")

Encoded = Any
"""What `json` writes and reads."""


class Opaque:
    """What stands for a value that is no data; equal to itself alone.

    type_name: the name of its class, which the program that made it chose.
    """

    def __init__(self, type_name: str):
        self.type_name = type_name

    def __repr__(self) -> str:
        return f"<{self.type_name}>"


class _TooMuchError(Exception):
    """A value is deeper or larger than the limits."""


class _Left:
    """What may still be written or read of one value."""

    def __init__(self) -> None:
        self.characters = SIZE

    def spend(self, characters: int, depth: int) -> None:
        self.characters -= characters + NODE
        if self.characters < 0 or depth > DEPTH:
            raise _TooMuchError


def encode(value: object) -> Encoded:
    """`value` as JSON; it never fails: what is deeper or larger than the limits is opaque as a whole."""
    try:
        return _Encoder().encode(value, 0)
    except _TooMuchError:
        return {"opaque": _type_name(value)}


def decode(data: Encoded) -> Any:
    """The value that `encode` gave `data` for. Raises ValueError where it is malformed or over the limits."""
    try:
        return _Decoder().decode(data, 0)
    except _TooMuchError as error:
        raise ValueError("the value is too large, or nested too deep") from error
    except (TypeError, KeyError, OverflowError, ArithmeticError, binascii.Error) as error:
        raise ValueError(f"this is no encoded value: {error}") from error


def _type_name(value: object) -> str:
    return type.__dict__["__name__"].__get__(type(value))[:100]  # type: ignore[no-any-return] # whatever a metaclass says


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _hex(value: int) -> str:
    return format(value, "x")  # decimal digits of large numbers would take long, and Python refuses them


class _Encoder(_Left):
    def encode(self, value: Any, depth: int) -> Encoded:
        kind = type(value)
        if value is None or kind is bool:
            self.spend(0, depth)
            return value
        if kind in CONTAINERS:
            return self._container(value, depth)
        if kind in PLAIN:
            name, write = PLAIN[kind]
            if kind is int and value.bit_length() // 4 > SIZE:
                raise _TooMuchError
            if kind in (str, bytes) and len(value) > SIZE:
                raise _TooMuchError
            return self._leaf(name, write(value), depth)
        if kind is np.ndarray or (isinstance(value, np.generic) and kind.__module__ == "numpy"):
            return self._numpy(value, depth)
        if issubclass(kind, tuple) and _is_named(kind):
            return self._sequence("tuple", tuple.__iter__(value), depth)
        return self._leaf("opaque", _type_name(value), depth)

    def _leaf(self, name: str, written: Any, depth: int) -> Encoded:
        self.spend(_length(written), depth)
        return written if name == "" else {name: written}

    def _container(self, value: Any, depth: int) -> Encoded:
        kind = type(value)
        name = CONTAINERS[kind]
        if name in MAPPINGS:
            self.spend(0, depth)
            pairs = list(value.items())
            return {name: [[self.encode(key, depth + 1), self.encode(own, depth + 1)] for key, own in pairs]}
        if kind is deque:
            self.spend(0, depth)
            return {name: [value.maxlen, [self.encode(own, depth + 1) for own in value]]}
        return self._sequence(name, value, depth)

    def _sequence(self, name: str, values: Any, depth: int) -> Encoded:
        self.spend(0, depth)
        return {name: [self.encode(own, depth + 1) for own in values]}

    def _numpy(self, value: Any, depth: int) -> Encoded:
        dtype = value.dtype
        if dtype.kind not in DATA_KINDS or dtype.metadata or value.nbytes > SIZE:
            if value.nbytes > SIZE:
                raise _TooMuchError
            return self._leaf("opaque", _type_name(value), depth)
        if isinstance(value, (np.str_, np.bytes_)):
            own = str(value) if isinstance(value, np.str_) else bytes(value)
            self.spend(0, depth)
            return {"scalar": [type(value).__name__, self.encode(own, depth)]}
        shape = list(value.shape) if type(value) is np.ndarray else None
        written = _base64(value.tobytes())
        self.spend(len(written), depth)
        return {"numpy": [dtype.str, shape, written]}


def _length(written: Any) -> int:
    if isinstance(written, str):
        return len(written)
    return sum(map(_length, written)) if isinstance(written, list) else 0


def _is_named(kind: type) -> bool:
    fields = getattr(kind, "_fields", None)
    return kind.__bases__ == (tuple,) and isinstance(fields, tuple) and all(type(name) is str for name in fields)


def _write_int(value: int) -> Any:
    return value if -SAFE_INTEGER < value < SAFE_INTEGER else {"int": _hex(value)}


def _write_float(value: float) -> Any:
    return value if math.isfinite(value) else {"float": repr(value)}


def _write_str(value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:  # halves of a pair would meet in JSON and become one character
        return {"str": _base64(value.encode("utf-8", "surrogatepass"))}
    return value


def _fixed(value: datetime | time) -> bool:
    """Whether the zone is none, or a plain offset: another is a program's own class."""
    zone = value.tzinfo
    return zone is None or (type(zone) is timezone and zone == timezone(zone.utcoffset(None)))


def _write_moment(value: Any) -> Any:
    if not _fixed(value):
        return {"opaque": type(value).__name__}
    name = "datetime" if type(value) is datetime else "time"
    return {name: [value.isoformat(), value.fold]}


PLAIN: dict[type, tuple[str, Callable[[Any], Any]]] = {
    int: ("", _write_int),
    float: ("", _write_float),
    str: ("", _write_str),
    complex: ("complex", lambda value: [repr(value.real), repr(value.imag)]),
    bytes: ("bytes", _base64),
    range: ("range", lambda value: [_hex(value.start), _hex(value.stop), _hex(value.step)]),
    Fraction: ("fraction", lambda value: [_hex(value.numerator), _hex(value.denominator)]),
    Decimal: ("decimal", str),
    datetime: ("", _write_moment),
    time: ("", _write_moment),
    date: ("date", date.isoformat),
    timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
}
MAPPINGS: dict[str, Callable[[], Any]] = {
    "dict": dict,
    "ordereddict": OrderedDict,
    "counter": Counter,
    "defaultdict": lambda: defaultdict(None),
}
SEQUENCES: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "keys": lambda own: dict.fromkeys(own).keys(),
    "values": lambda own: dict(enumerate(own)).values(),
    "items": lambda own: dict(own).items(),
}
CONTAINERS: dict[type, str] = {
    list: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    dict: "dict",
    OrderedDict: "ordereddict",
    Counter: "counter",
    defaultdict: "defaultdict",
    deque: "deque",
    type({}.keys()): "keys",
    type({}.values()): "values",
    type({}.items()): "items",
}


class _Decoder(_Left):
    def decode(self, data: Encoded, depth: int) -> Any:
        if data is None or type(data) in (bool, int, float, str):
            self.spend(len(data) if type(data) is str else 0, depth)
            if type(data) is float and not math.isfinite(data):
                raise ValueError("a number that JSON does not have")
            return data
        if type(data) is not dict or len(data) != 1:
            raise ValueError("this is no encoded value")
        [(name, written)] = data.items()
        if name in MAPPINGS or name in SEQUENCES or name == "deque":
            return self._container(name, written, depth)
        if name == "scalar":
            return self._text_scalar(written, depth)
        self.spend(_length(written), depth)
        if name not in READERS:
            raise ValueError(f"there is no kind {name!r}")
        return READERS[name](written)

    def _container(self, name: str, written: Any, depth: int) -> Any:
        self.spend(0, depth)
        if name in MAPPINGS:
            into: Any = MAPPINGS[name]()
            for key, own in _sized(written):
                into[self.decode(key, depth + 1)] = self.decode(own, depth + 1)
            return into
        if name == "deque":
            longest, written = written
            if longest is not None and (type(longest) is not int or longest < 0):
                raise ValueError("a queue of no length")
            return deque([self.decode(own, depth + 1) for own in _sized(written)], longest)
        return SEQUENCES[name]([self.decode(own, depth + 1) for own in _sized(written)])

    def _text_scalar(self, written: Any, depth: int) -> Any:
        name, own = written
        self.spend(0, depth)
        value = self.decode(own, depth)
        if (name, type(value)) not in (("str_", str), ("bytes_", bytes)):
            raise ValueError("a scalar of no text")
        return np.str_(value) if name == "str_" else np.bytes_(value)


def _sized(written: Any) -> list[Any]:
    if type(written) is not list:
        raise ValueError("a container without a list")
    return written


def _text(written: Any) -> str:
    if type(written) is not str:
        raise ValueError("text was to stand here")
    return written


def _bytes(written: Any) -> bytes:
    return base64.b64decode(_text(written), validate=True)


def _read_int(written: Any) -> int:
    return int(_text(written), 16)


def _read_range(written: Any) -> range:
    start, stop, step = map(_read_int, _sized(written))
    return range(start, stop, step)


def _read_fraction(written: Any) -> Fraction:
    above, below = map(_read_int, _sized(written))
    return Fraction(above, below)


def _read_decimal(written: Any) -> Decimal:
    if not DECIMAL.fullmatch(_text(written)):
        raise ValueError("this is no decimal number")
    try:
        return Decimal(written)
    except InvalidOperation as error:
        raise ValueError("this is no decimal number") from error


def _read_moment(kind: type[datetime] | type[time]) -> Callable[[Any], Any]:
    def read(written: Any) -> Any:
        moment, fold = _sized(written)
        return kind.fromisoformat(_text(moment)).replace(fold=fold)

    return read


def _read_timedelta(written: Any) -> timedelta:
    days, seconds, microseconds = written
    if any(type(part) is not int for part in written):
        raise ValueError("a span of time has three integers")
    return timedelta(days, seconds, microseconds)


def _read_numpy(written: Any) -> Any:
    name, shape, data = _sized(written)
    if not DTYPE.fullmatch(_text(name)):
        raise ValueError("there is no such dtype of data")
    dtype, raw = np.dtype(name), _bytes(data)
    axes: Sequence[Any] = [] if shape is None else _sized(shape)
    if len(axes) > MOST_AXES or any(type(length) is not int or length < 0 for length in axes):
        raise ValueError("this is no shape")
    if math.prod(axes) * dtype.itemsize != len(raw):
        raise ValueError("the shape does not fit the data")
    if not dtype.itemsize:
        if len(axes) and max(axes) > SIZE:
            raise ValueError("this is no shape")
        return np.zeros(axes, dtype)
    array = np.frombuffer(raw, dtype).reshape(axes).copy() if raw else np.zeros(axes, dtype)
    return array[()] if shape is None else array


READERS: dict[str, Callable[[Any], Any]] = {
    "opaque": lambda written: Opaque(_text(written)),
    "int": _read_int,
    "float": lambda written: {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[written],
    "str": lambda written: _bytes(written).decode("utf-8", "surrogatepass"),
    "complex": lambda written: complex(*map(float, map(_text, _sized(written)))),
    "bytes": _bytes,
    "range": _read_range,
    "fraction": _read_fraction,
    "decimal": _read_decimal,
    "datetime": _read_moment(datetime),
    "time": _read_moment(time),
    "date": lambda written: date.fromisoformat(_text(written)),
    "timedelta": _read_timedelta,
    "numpy": _read_numpy,
}
