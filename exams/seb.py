"""Safe Exam Browser: whether a request comes from one with the configuration that an exam asks for.

The browser sends with every request the SHA-256 of its address followed by the Config Key, in hex.
Source: https://safeexambrowser.org/developer/seb-config-key.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

HEADER = "X-SafeExamBrowser-ConfigKeyHash"


def right(keys: Iterable[str], url: str, sent: str) -> bool:
    """Whether `sent`, the header's value, fits one of the Config Keys at the absolute address `url`."""
    bare = url.split("#", 1)[0]
    wanted = [hashlib.sha256(f"{bare}{key.lower()}".encode()).hexdigest() for key in keys]
    return any(hmac.compare_digest(one.encode(), sent.lower().encode()) for one in wanted)
