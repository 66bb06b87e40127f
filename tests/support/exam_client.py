"""A browser without scripts at the exam service."""

import re

import requests
from tornado.web import create_signed_value

from exams.web import DEVICE
from tests.support.exam_host import PREFIX, Process
from tests.support.narrowing import present

SEAT = "0123456789abcdef"
XSRF = re.compile(r'name="xsrf" content="([^"]+)"')


class Client(requests.Session):
    """A browser without scripts: a session with the page's XSRF token, on the user's own machine or another one."""

    def __init__(self, service: Process, user: str | None = None, machine: str = "own"):
        super().__init__()
        self.service = service
        key = (service.home / "secrets" / "exams-cookie").read_text()
        device = create_signed_value(key, DEVICE, f"{user}-{machine}").decode()
        self.cookies.set(DEVICE, device, path=PREFIX)
        if user:
            page = self.get(f"{service.base}login", params={"as": user})
            self.headers["X-XSRFToken"] = present(XSRF.search(page.text)).group(1)

    def page(self, path: str, **options):
        return self.get(self.service.base + path, allow_redirects=False, **options)

    def write(self, path: str, **body):
        return self.post(self.service.base + "api/" + path, json=body, allow_redirects=False)

    def own(self, path: str = "", **options):
        """A page of the exam that the test is about."""
        return self.page(f"{self.service.exam}/{path}", **options)

    def enter(self, seat: str = SEAT):
        return self.write(f"{self.service.exam}/enter", seat=seat)

    def save(self, *changes, seat: str = SEAT):
        return self.write(f"{self.service.exam}/responses", seat=seat, responses=list(changes))

    def submit(self, sequence: int, seat: str = SEAT):
        return self.write(f"{self.service.exam}/submit", seat=seat, sequence=sequence)


def change(sequence, item, value="B"):
    return {"sequence": sequence, "item": item, "value": value, "flagged": False, "device": "browser"}
