"""A lab opened over the real hub, without a browser."""

import json
import re

from tests.support.narrowing import present

LAB = "/services/apps/voila/render/physiology/01_nerve.ipynb"


def opened(platform, user):
    """(session, kernel id) of a lab opened by `user`."""
    session = platform.session(user)
    page = session.get(platform.url + LAB, timeout=60)
    assert page.status_code == 200
    config = present(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page.text, re.S))[1]
    return session, page, json.loads(config)
