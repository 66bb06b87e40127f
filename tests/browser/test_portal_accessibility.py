"""No page of the portal has a serious finding of axe-core, in either language."""

import pytest

from tests.support.axe import findings
from tests.support.candidate import PHONE, WIDE

PAGES = {
    None: ["/hub/login", "/hub/signup"],
    "student01": ["/hub/home"],
    "teacher01": ["/hub/home"],
    "lead01": ["/hub/home"],
    "operator01": ["/hub/home"],
}


@pytest.mark.parametrize(("size", "language"), [(WIDE, "zh"), (PHONE, "en")], ids=["wide-zh", "phone-en"])
def test_the_pages_of_the_portal(browser, platform, size, language):
    found = {}
    for user, paths in PAGES.items():
        context = browser.new_context(viewport=size, locale="zh-CN")
        context.add_cookies([{"name": "xinglin_language", "value": language, "url": platform.url}])
        page = context.new_page()
        if user is not None:
            context.add_cookies(platform.cookies(user))
        for path in paths:
            page.goto(platform.url + path)
            found[user, path] = findings(page)
        context.close()
    assert found == {key: [] for key in found}
