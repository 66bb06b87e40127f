"""The portal, each role in turn, over the real hub."""

import re
from typing import Any

import pytest

from hub.handlers import local
from tests.support.narrowing import present


@pytest.mark.parametrize(
    ("user", "seen", "unseen"),
    [
        (
            "student01",
            ["我的考试", "我的实验", "成绩", "窗宽窗位与 CT 值测量", "神经干动作电位"],
            ["考务台", "班级一览", "题库"],
        ),
        ("teacher01", ["班级一览", "学生01", "考务台", "打开题库"], ["学生04", "我的考试"]),
        ("lead01", ["联考", "考务台", "打开题库"], ["班级一览"]),
        ("operator01", ["账号", "管理员", "考务台", "打开题库"], ["评阅简答题"]),
    ],
)
def test_each_role_sees_its_own_page(platform, user, seen, unseen):
    page = platform.session(user).get(f"{platform.url}/hub/home", timeout=20).text
    assert [text for text in seen if text not in page] == []
    assert [text for text in unseen if text in page] == []


def test_the_bank_is_furnished_and_the_demo_shows_every_state_and_what_its_exam_told(platform):
    teacher = platform.session("teacher01")
    assert "题库" in teacher.get(f"{platform.url}/services/exams/bank/", timeout=30).text
    for bank in ("diagnostics", "imaging", "physiology"):
        told = teacher.get(f"{platform.url}/services/exams/api/bank/{bank}/items", timeout=30).json()
        assert {"draft", "reviewed", "live"} <= told["counts"]["state"].keys()
        assert told["counts"]["state"]["live"] > 0.8 * told["total"]
    found: list[dict[str, Any]] = []
    page = 0
    while len(found) < 20 and page < 3:
        address = f"{platform.url}/services/exams/api/bank/diagnostics/items?page={page}"
        found += [row for row in teacher.get(address, timeout=30).json()["items"] if row["candidates"]]
        page += 1
    assert [(row["candidates"], row["forms"]) for row in found] == [(6, 1)] * 20
    student = platform.session("student01")
    assert student.get(f"{platform.url}/services/exams/bank/", timeout=30).status_code == 403


def test_nobody_is_sent_to_the_login_page(platform):
    answer = platform.session().get(f"{platform.url}/hub/home", timeout=20)
    assert "/hub/login" in answer.url


def test_a_wrong_password_gets_one_sentence(platform):
    session = platform.session()
    session.get(f"{platform.url}/hub/login", timeout=10)
    form = {"username": "student01", "password": "wrong", "_xsrf": session.cookies.get("_xsrf", path="/hub/")}
    assert "用户名或密码不对" in session.post(f"{platform.url}/hub/login", data=form, timeout=20).text


def test_signing_up_is_not_offered(platform):
    assert platform.session().get(f"{platform.url}/hub/signup", timeout=10).status_code == 404


def test_the_language_is_remembered_and_redirects_stay_here(platform):
    session = platform.session("student02")
    answer = session.get(f"{platform.url}/hub/language/en?next=//evil.example/", timeout=10)
    assert answer.url == f"{platform.url}/hub/home"
    assert "My labs" in answer.text
    answer = session.get(f"{platform.url}/hub/change-password", timeout=10)
    assert re.search(r'id="language"[^>]*', answer.text)
    there = present(re.search(r'href="(/hub/language/zh[^"]*)"', answer.text))
    back = session.get(platform.url + there[1], timeout=10)
    assert back.url == f"{platform.url}/hub/change-password"
    assert "修改密码" in back.text
    session.get(f"{platform.url}/hub/language/en", timeout=10)
    assert "My labs" in session.get(f"{platform.url}/hub/home", timeout=10).text


@pytest.mark.parametrize("target", ["/hub/home", "/hub/change-password", "/services/exams/?a=b#c"])
def test_an_address_of_this_host_is_kept(target):
    assert local(target) == target


@pytest.mark.parametrize(
    "target",
    ["", "hub/home", "//x.example", "/\\x.example", "/\t/x.example", "/\n/x.example", "/a\\b", "https://x.example"],
)
def test_an_address_that_a_browser_may_take_for_another_host_is_not(target):
    assert local(target) == "/hub/home"


def test_a_student_gets_neither_tokens_of_others_nor_the_admin_page(platform):
    session = platform.session("student01")
    assert session.get(f"{platform.url}/hub/admin", timeout=10).status_code in {403, 404}
    assert session.get(f"{platform.url}/hub/api/users", timeout=10).status_code == 403
    assert session.get(f"{platform.url}/hub/api/users/student02", timeout=10).status_code == 404


NOWHERE, FORBIDDEN = (
    ("这个地址没有内容", "There is nothing at this address"),
    ("不能打开这一页", "may not open this page"),
)


@pytest.mark.parametrize(("language", "place"), [("zh", 0), ("en", 1)])
@pytest.mark.parametrize(
    ("user", "path", "status", "says"),
    [
        (None, "/nothing", 404, NOWHERE),
        (None, "/hub/nothing", 404, NOWHERE),
        ("student01", "/hub/nothing", 404, NOWHERE),
        ("student01", "/hub/token", 404, NOWHERE),
        ("student01", "/hub/notebook/imaging/nothing", 404, NOWHERE),
        ("student01", "/hub/admin", 403, FORBIDDEN),
        ("student01", "/hub/user/student02/lab", 404, NOWHERE),
        ("student01", "/services/diagnostics/formgrader", 403, FORBIDDEN),
        ("student03", "/hub/user/student03/lab", 424, ("没有运行", "is not running")),
    ],
)
def test_an_address_that_fails_says_why_in_the_persons_language(platform, user, path, status, says, language, place):
    session = platform.session(user)
    session.get(f"{platform.url}/hub/language/{language}", timeout=10)
    answer = session.get(platform.url + path, timeout=20)
    assert answer.status_code == status
    assert says[place] in answer.text
    assert "/hub/assets/portal.css" in answer.text


def test_a_notebook_that_cannot_be_put_into_the_folder_says_what_to_do(platform):
    home = platform.home / "homes" / "student02"
    home.mkdir(parents=True, exist_ok=True)
    (home / "labs").write_text("notes", "utf-8")
    answer = platform.session("student02").get(f"{platform.url}/hub/notebook/physiology/01_nerve", timeout=20)
    assert answer.status_code == 409
    assert "请先改名" in answer.text
