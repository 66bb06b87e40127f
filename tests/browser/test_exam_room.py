"""A candidate in a real browser: a whole sitting, and everything that goes wrong on an exam day."""

import re

import pytest
from playwright.sync_api import expect

from exams.errands import LONGEST_S
from exams.sitting import SittingStore
from tests.support.candidate import PHONE, WIDE, kept, let_in, measure, watch
from tests.support.exam_host import CANDIDATES, Process, store_url
from tests.support.narrowing import present
from tests.support.ports import free_port

BACK_WITHIN_S = 5


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    """A process of its own: some of these tests kill it, or what it started."""
    running = Process(tmp_path_factory.mktemp("room"), free_port())
    yield running
    running.stop()


@pytest.mark.parametrize(("size", "language"), [(WIDE, "zh"), (PHONE, "en")], ids=["wide-zh", "phone-en"])
def test_a_whole_sitting(desks, service, size, language):
    desk = desks(size=size, language=language)
    page = desk.page
    desk.enter()
    for _ in range(desk.total()):
        if page.locator(".option").count():
            page.locator(".option").nth(1).click()
        elif page.locator("#answer-number").count():
            page.fill("#answer-number", "12.5")
        elif page.locator("#answer-text").count():
            page.fill("#answer-text", "右侧胸廓饱满")
        else:
            measure(page)
        if page.locator("#next").is_enabled():
            desk.press(page.locator("#next"))
    desk.saved()
    page.click("#submit")
    expect(page.locator("dialog .count b").first).to_have_text(str(desk.total()))
    page.click("#submit-now")
    page.wait_for_url("**/receipt")
    expect(page.locator("#receipt-number")).to_contain_text(CANDIDATES[0].number)
    answers = kept(service)
    assert len(answers) == len(set(answers))
    kinds = {type(answer) for answer in answers.values()}
    assert kinds == {str, list, dict}
    page.goto(f"{service.base}{service.exam}/room")
    assert page.url.endswith("/receipt")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_picture_and_answer_are_in_view_together(desks, service, language):
    """At 1366 x 768 nothing of an image question has to be scrolled for."""
    desk = desks(language=language)
    page = desk.page
    desk.enter()
    seen = set()
    for button in page.locator("#map .grid button").all():
        desk.press(button)
        if not page.locator(".asset").count():
            continue
        expect(page.locator(".stage [role=application], .experiment")).to_be_visible()
        answer = page.locator(".option, .with-unit, .measure").last
        room = page.locator("main").bounding_box()
        for part in (page.locator(".stage"), page.locator(".stem"), answer):
            box = part.bounding_box()
            assert box["y"] >= room["y"]
            assert box["y"] + box["height"] <= room["y"] + room["height"], page.locator(".stem").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") == WIDE["width"]
        seen.add(page.locator(".kind").inner_text().split(" ·")[0])
    assert len(seen) >= 2  # tracings and measurements


def test_keyboard_alone(desks, service):
    desk = desks()
    page = desk.page
    page.goto(f"{service.base}login?as=student01")
    page.goto(f"{service.base}{service.exam}/")
    page.locator("#confirm").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("article.question")).to_be_visible()
    first = page.locator(".stem").inner_text()
    page.keyboard.press("b")
    expect(page.locator("input[value=B]")).to_be_checked()
    page.keyboard.press("3")
    expect(page.locator("input[value=C]")).to_be_checked()
    page.keyboard.press("f")
    expect(page.locator("#flag")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("PageDown")
    expect(page.locator(".stem")).not_to_have_text(first)
    expect(page.locator("#question-title")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".stem")).to_have_text(first)
    page.keyboard.press("?")
    expect(page.locator("dialog kbd").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.keyboard.press("m")
    expect(page.locator("#map [aria-current]")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#question-title .number")).to_contain_text("2")
    desk.saved()
    page.locator("#submit").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_be_visible()
    page.locator("#submit-now").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/receipt")
    assert list(kept(service).values()) == ["C"]


def test_letters_typed_into_an_answer_are_not_commands(desks, service):
    desk = desks()
    desk.enter()
    desk.go("short", "简答题")
    desk.page.locator("#answer-text").press_sequentially("fab m?")
    expect(desk.page.locator("#flag")).to_have_attribute("aria-pressed", "false")
    expect(desk.page.locator("dialog")).to_have_count(0)
    expect(desk.page.locator("#text-count")).to_contain_text("6")
    desk.saved()
    assert list(kept(service).values()) == ["fab m?"]


def test_a_closed_tab_goes_on_where_it_was(desks, service):
    desk = desks()
    desk.enter()
    desk.page.keyboard.press("a")
    desk.page.keyboard.press("f")
    desk.saved()
    desk.page.close()
    desk.page = desk.tab()
    desk.page.goto(f"{service.base}{service.exam}/room")
    expect(desk.page.locator("input[value=A]")).to_be_checked()
    expect(desk.page.locator("#flag")).to_have_attribute("aria-pressed", "true")


def test_without_a_network_nothing_is_lost(desks, service):
    desk = desks()
    page = desk.page
    desk.enter()
    with desk.fault():
        desk.context.set_offline(True)
        page.keyboard.press("a")
        expect(page.locator("#saving")).to_have_attribute("data-state", "unsaved")
        expect(page.locator("#banner")).to_be_visible()
        expect(page.locator("#map .grid .unsaved")).to_have_count(1)
        page.keyboard.press("ArrowRight")
        page.keyboard.press("d")
        expect(page.locator("#map .grid .unsaved")).to_have_count(2)
        page.click("#submit")
        page.click("#submit-now")
        expect(page.locator("dialog [role=alert]")).not_to_be_empty()
        page.keyboard.press("Escape")  # and with that nothing is handed in, not even when the network is back
        assert kept(service) == {}
        desk.context.set_offline(False)
        desk.saved()
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("article.question")).to_be_visible()
    assert sorted(kept(service).values()) == ["A", "D"]


def test_ten_minutes_without_a_network_arrive_in_order_and_once(desks, service):
    """The page's clock is put forward, so that it lives through ten minutes of trying in vain."""
    desk = desks()
    page = desk.page
    page.clock.install()
    desk.enter()
    typed = []
    with desk.fault():
        desk.context.set_offline(True)
        for _ in range(4):
            while not page.locator("article.question input[type=radio]").count():
                page.click("#next")
            page.locator("article.question input[type=radio]").nth(1).check()
            typed.append(page.locator("article.question input:checked").get_attribute("value"))
            page.clock.run_for("02:30")
            page.click("#next")
        expect(page.locator("#saving")).to_have_attribute("data-state", "unsaved")
        assert kept(service) == {}
        desk.context.set_offline(False)
        page.clock.run_for("00:05")
        desk.saved()
    store = SittingStore(store_url(service.home))
    log = store.log(present(store.sitting(service.exam, CANDIDATES[0].number)))
    store.close()
    assert [response.sequence for response in log] == [1, 2, 3, 4]
    assert [response.value for response in log] == typed


def test_what_could_not_be_sent_is_sent_by_the_next_page(desks, service):
    desk = desks()
    desk.enter()
    with desk.fault():
        # not by `set_offline`: the browser lifts that when the page closes, and the page's last act is then to send
        service.kill()
        desk.page.keyboard.press("e")
        expect(desk.page.locator("#saving")).to_have_attribute("data-state", "unsaved", timeout=10_000)
        desk.page.close(run_before_unload=False)
        service.start()
        service.wait()
    assert kept(service) == {}
    desk.page = desk.tab()
    desk.page.goto(f"{service.base}{service.exam}/room")
    expect(desk.page.locator("input[value=E]")).to_be_checked()
    desk.saved()
    assert list(kept(service).values()) == ["E"]


def test_a_killed_service_is_found_again(desks, service):
    desk = desks()
    page = desk.page
    desk.enter()
    page.keyboard.press("a")
    desk.saved()
    with desk.fault():
        service.kill()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("b")
        expect(page.locator("#saving")).to_have_attribute("data-state", "unsaved", timeout=10_000)
        service.start()
        service.wait()
        desk.saved(within_s=BACK_WITHIN_S)
    assert sorted(kept(service).values()) == ["A", "B"]


def test_on_another_machine(desks, service):
    old, new, teacher = desks(), desks(), desks("teacher01")
    watch(teacher)
    old.enter()
    old.page.keyboard.press("a")
    old.saved()
    new.knock()
    expect(new.page.locator("dialog")).to_contain_text("已请示监考员")
    let_in(teacher)
    expect(new.page.locator("input[value=A]")).to_be_checked()
    new.page.keyboard.press("b")
    new.saved()
    old.page.keyboard.press("c")
    expect(old.page.locator("dialog[data-elsewhere]")).to_be_visible()
    assert list(kept(service).values()) == ["B"]
    old.page.locator("dialog button").click()
    expect(old.page.locator("dialog")).to_contain_text("已请示监考员")
    let_in(teacher)
    # both wrote their second change under the same number: the one that reached the server holds
    expect(old.page.locator("input[value=B]")).to_be_checked()
    old.page.keyboard.press("d")
    old.saved()
    assert list(kept(service).values()) == ["D"]
    # the refusals, 409, are the answers that were expected; the browser writes a line for each
    for desk in (old, new):
        desk.faults = [fault for fault in desk.faults if "status of 409" not in fault]


def test_a_pause_stops_the_room_and_nothing_typed_is_lost(desks, service):
    candidate, teacher = desks(), desks("teacher01", language="en", size=PHONE)
    candidate.enter()
    candidate.page.keyboard.press("a")
    candidate.saved()
    watch(teacher)
    page = teacher.page
    page.locator(f'tr[data-number="{CANDIDATES[0].number}"] button').click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("Reason").fill("fire alarm")
    page.get_by_role("button", name="Do it").click()
    expect(page.locator(f'tr[data-number="{CANDIDATES[0].number}"]')).to_contain_text("Paused")
    candidate.page.keyboard.press("b")  # typed before the page knows
    expect(candidate.page.locator("dialog")).to_contain_text("考试已暂停", timeout=30_000)
    candidate.page.keyboard.press("c")
    page.locator(f'tr[data-number="{CANDIDATES[0].number}"] button').click()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Do it").click()
    expect(candidate.page.locator("dialog")).to_have_count(0, timeout=10_000)
    candidate.saved()
    assert list(kept(service).values()) == ["B"]


AWAY = """() => new Promise((back) => {
  const since = performance.now();
  const look = () => (performance.now() - since > 1100 ? back() : setTimeout(look, 50));
  look();
})"""
"""Longer than what is too short to tell."""


def test_leaving_the_page_is_told_to_those_who_watch(desks, service):
    candidate, teacher = desks(), desks("teacher01")
    candidate.enter()
    watch(teacher)
    other = candidate.tab()  # this one is in front now
    other.bring_to_front()
    # Chromium without a screen keeps every page visible: the page is told what a real one would be
    for hidden in ("true", "false"):
        candidate.page.evaluate(f"Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}})")
        candidate.page.evaluate("document.hasFocus = () => !document.hidden")
        candidate.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        if hidden == "true":
            candidate.page.evaluate(AWAY)
    row = teacher.page.locator(f'tr[data-number="{CANDIDATES[0].number}"]')
    expect(row).to_contain_text("离开 1 次", timeout=10_000)


def test_checking_in_with_the_code_of_the_room_by_keyboard_alone(desks, service):
    service.furnish(service.exam, checkin=True)
    candidate, teacher = desks(size=PHONE), desks("teacher01")
    watch(teacher)
    code = teacher.page.locator("#codes b").first.inner_text()
    page = candidate.page
    page.goto(f"{service.base}login?as=student01")
    page.goto(f"{service.base}{service.exam}/")
    page.locator("#room-code").focus()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#checkin-problem")).to_contain_text("这不是您考场的代码")
    page.keyboard.press("Control+a")
    page.keyboard.type(code.lower())
    page.keyboard.press("Enter")
    expect(page.locator("#confirm")).to_be_focused()
    expect(page.locator("#checkin")).to_be_hidden()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("article.question")).to_be_visible()
    candidate.faults = [fault for fault in candidate.faults if "status of 403" not in fault]  # the wrong code


def test_two_tabs_of_one_browser(desks, service):
    desk = desks()
    desk.enter()
    older = desk.page
    desk.page = desk.tab()
    desk.page.goto(f"{service.base}{service.exam}/room")
    expect(desk.page.locator("article.question")).to_be_visible()
    expect(older.locator("dialog[data-elsewhere]")).to_be_visible()
    desk.page.keyboard.press("b")
    desk.saved()


def test_time_runs_out(desks, service):
    service.furnish(service.exam, opens_in_s=-60, lasts_s=72)
    desk = desks()
    desk.enter()
    desk.go("short", "简答题")
    desk.page.locator("#answer-text").press_sequentially("写到最后一刻")
    expect(desk.page.locator("dialog")).to_be_visible(timeout=30_000)
    desk.page.wait_for_url("**/receipt", timeout=30_000)
    assert list(kept(service).values()) == ["写到最后一刻"]


def test_the_door_opens_by_itself(desks, service):
    service.furnish(service.exam, opens_in_s=6)
    desk = desks()
    page = desk.page
    page.goto(f"{service.base}login?as=student02")
    page.goto(f"{service.base}{service.exam}/")
    page.check("#confirm")
    expect(page.locator("#enter")).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#enter")).to_have_attribute("aria-disabled", "false", timeout=15_000)
    page.click("#enter")
    expect(page.locator("article.question")).to_be_visible()
    # 90 minutes and 10 extra
    expect(page.locator("#remaining")).to_contain_text("1:39:")


def test_the_desk_shows_who_is_in(desks, service):
    candidate, lead = desks(), desks("lead01")
    candidate.enter()
    candidate.page.keyboard.press("a")
    candidate.saved()
    page = lead.page
    watched = "AbortSignal.timeout = (ms) => (patience.push(ms), given.call(AbortSignal, ms))"
    page.add_init_script(f"patience = []; const given = AbortSignal.timeout; {watched}")
    page.goto(f"{service.base}login?as=lead01")
    page.goto(f"{service.base}{service.exam}/desk")
    row = page.locator("#rows tr", has_text=CANDIDATES[0].number)
    expect(row).to_contain_text("考试中")
    expect(row).to_contain_text(f"1 / {candidate.total()}")
    page.click("[data-act=collect]")
    page.locator("dialog .button:not(.second)").click()
    expect(page.locator("#desk-message")).to_have_text(f"{service.exam} collected by lead01")
    # marking thousands takes minutes: the page waits as long as the service does
    assert max(page.evaluate("patience")) >= LONGEST_S * 1000
    page.fill("#filter", "橘井")
    expect(page.locator("#rows tr")).to_have_count(1)


def test_language_is_one_click_away(desks, service):
    desk = desks()
    desk.enter()
    desk.page.keyboard.press("a")
    desk.saved()
    desk.page.click("[data-language=en]")
    expect(desk.page.locator("#question-title")).to_contain_text("Question 1 of")
    expect(desk.page.locator("input[value=A]")).to_be_checked()


def test_an_invigilator_hands_in_by_keyboard_alone_and_the_candidates_room_closes(desks, service):
    candidate, invigilator = desks(), desks("teacher01", language="en")
    candidate.enter()
    candidate.go("A1")
    candidate.page.keyboard.press("B")
    candidate.saved()
    page = invigilator.page
    page.goto(f"{service.base}login?as=teacher01")
    page.goto(f"{service.base}{service.exam}/desk")
    button = page.locator(f'tr[data-number="{CANDIDATES[0].number}"] button')
    expect(page.locator(f'tr[data-number="{CANDIDATES[0].number}"]')).to_contain_text("101 · 1")
    button.focus()
    candidate.page.keyboard.press("C")  # the row is drawn anew; the focus stays on its button
    candidate.saved()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("dialog .choices")).to_be_visible()
    for _ in range(page.locator("dialog button").count()):
        if page.locator("dialog button:focus", has_text="Hand in").count():
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.type("left the room")
    page.keyboard.press("Enter")
    expect(page.locator("#desk-message")).to_contain_text("Handed in for 2026010001")
    expect(page.locator(f'tr[data-number="{CANDIDATES[0].number}"] .pill').first).to_have_text("Handed in")
    candidate.page.keyboard.press("D")
    expect(candidate.page.locator("#proof")).to_be_visible()
    assert len(kept(service)) == 1
    # what was written after is refused, of which the browser itself writes a line
    assert [fault for fault in candidate.faults if "409 (Conflict)" not in fault] == []
    candidate.faults.clear()


def test_a_letter_chooses_what_is_shown_with_it(desks, service):
    """Options stand in the candidate's own order: what is kept is the option, whatever letter it had."""
    desk = desks()
    desk.enter()
    desk.go("A1")
    chosen = desk.page.locator("label.option").nth(1)
    expect(chosen.locator(".letter")).to_have_text("B")
    desk.page.keyboard.press("b")
    expect(chosen.locator("input")).to_be_checked()
    desk.saved()
    assert list(kept(service).values()) == [chosen.locator("input").get_attribute("value")]


def test_with_a_ticket_by_keyboard_alone(desks, service):
    from exams.admission import issue
    from exams.exam import exam_in

    made, _count = issue(
        exam_in(service.home / "exams", service.exam), [], zone="Asia/Shanghai", address="", language="zh"
    )
    found = re.search(rf"<dd>{CANDIDATES[0].number}</dd>.*?class=\"code\"[^>]*>([^<]+)<", made, re.DOTALL)
    code = present(found)[1]
    page = desks(size=PHONE).page
    page.goto(f"{service.base}ticket")
    expect(page.locator("#number")).to_be_focused()  # the browser sets the focus some time after the load
    page.keyboard.type(CANDIDATES[0].number)
    page.keyboard.press("Tab")
    page.keyboard.type(code.lower().replace("-", " "))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{service.base}{service.exam}/")
    expect(page.locator("main")).to_contain_text(CANDIDATES[0].name)
