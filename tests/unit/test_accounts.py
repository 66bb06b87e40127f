"""Accounts and secrets on disk: real databases, real hashes, real file modes."""

import json
import os
import stat

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo

from hub import accounts
from hub.accounts import ALPHABET, PASSWORD_LENGTH, Accounts, random_password
from hub.accounts_file import accounts_file, read_accounts, write_accounts
from hub.people import Directory, Person, Role
from hub.plan import LISTENERS, TOKENS, VARIABLE, make_plan, plan_from
from hub.secrets import token, write_private
from hub.state import engine


def student(number):
    return Person(f"student{number:03}", f"学生{number:03}", "东校", "1", Role.STUDENT)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


class House:
    """One installation's databases."""

    def __init__(self, folder):
        self.directory = Directory(engine(f"sqlite:///{folder / 'state.sqlite'}"))
        self.url = f"sqlite:///{folder / 'hub.sqlite'}"
        self.accounts = Accounts(self.directory, self.url)

    def info(self, user):
        with orm.new_session_factory(self.url)() as session:
            return UserInfo.find(session, user)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_a_password_opens_the_account_made_with_it_and_no_other(house):
    passwords = house.accounts.create([student(1), student(2)])
    assert set(passwords) == {"student001", "student002"}
    assert bcrypt.checkpw(passwords["student001"].encode(), house.info("student001").password)
    assert not bcrypt.checkpw(passwords["student002"].encode(), house.info("student001").password)
    assert house.info("student001").is_authorized
    assert house.directory.find("student001") == student(1)


def test_the_hub_checks_it_as_nativeauthenticator_does(house):
    password = house.accounts.create([student(1)])["student001"]
    assert house.info("student001").is_valid_password(password)
    assert not house.info("student001").is_valid_password(password + "x")


def test_creating_again_renews_the_password_and_the_person(house):
    old = house.accounts.create([student(1)])["student001"]
    renamed = Person("student001", "学生一", "西校", "2", Role.TEACHER)
    new = house.accounts.create([renamed])["student001"]
    assert not house.info("student001").is_valid_password(old)
    assert house.info("student001").is_valid_password(new)
    assert house.directory.find("student001") == renamed


def test_removing_takes_password_and_person(house):
    house.accounts.create([student(1), student(2)])
    house.accounts.remove(iter(["student001", "nobody"]))
    assert not house.accounts.exists("student001")
    assert house.directory.find("student001") is None
    assert house.accounts.exists("student002")


def test_a_roster_of_two_hundred(house, monkeypatch):
    monkeypatch.setattr(accounts, "BCRYPT_ROUNDS", 4)  # bcrypt's least: what is tried here is the number
    roster = [student(number) for number in range(200)]
    done: list[int] = []
    passwords = house.accounts.create(iter(roster), done.append)
    assert done == list(range(1, 201))
    assert len(set(passwords.values())) == 200
    assert all(house.accounts.exists(person.user) for person in roster)
    assert house.directory.counts()[Role.STUDENT] == 200
    last = roster[-1].user
    assert house.info(last).is_valid_password(passwords[last])


def test_a_run_cut_off_leaves_no_account(house):
    def interrupt(done):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        house.accounts.create([student(number) for number in range(3)], interrupt)
    assert not house.accounts.exists("student000")
    assert house.directory.find("student000") is None


def test_a_random_password_can_be_read_off_paper_and_not_be_guessed():
    passwords = {random_password() for _ in range(100)}
    assert len(passwords) == 100
    assert not set("0o1lO").intersection("".join(passwords))
    assert len(ALPHABET) ** PASSWORD_LENGTH > 2**56


def test_the_accounts_file_is_a_list_for_its_owner_alone(tmp_path):
    write_accounts(tmp_path, [student(1)], {"student001": "pass"})
    assert mode(accounts_file(tmp_path)) == 0o600
    written = json.loads((tmp_path / "demo-accounts.json").read_text("utf-8"))
    assert written == [{"name": "student001", "password": "pass", "role": "student", "school": "东校"}]
    assert read_accounts(tmp_path) == written


@pytest.fixture(params=[0o000, 0o077])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_a_token_outlives_a_restart_and_is_its_owners_alone(tmp_path, umask):
    folder = tmp_path / "secrets"
    first = token(folder, "a.token")
    assert token(folder, "a.token") == first
    assert token(folder, "b.token") != first
    assert len(bytes.fromhex(first)) == 32
    assert mode(folder) == 0o700
    assert mode(folder / "a.token") == 0o600


def test_a_private_file_is_replaced_whole(tmp_path, umask):
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(0o644)
    (tmp_path / "file.part").write_text("of a run that was cut off")
    write_private(file, "新")
    assert file.read_text("utf-8") == "新"
    assert mode(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_private_file_is_never_written_through_a_link(tmp_path):
    (tmp_path / "file.part").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "file").symlink_to(tmp_path / "elsewhere")
    write_private(tmp_path / "file", "secret")
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "file").is_symlink()


def test_a_plan_reaches_the_hub_whole(tmp_path):
    plan = make_plan(tmp_path / "secrets")
    assert plan_from({VARIABLE: plan.dumps()}) == plan
    assert len(set(plan.ports.values())) == len(LISTENERS)
    assert len(set(plan.tokens.values())) == len(TOKENS)
    for listener in LISTENERS:
        assert plan.url(listener) == f"http://127.0.0.1:{plan.ports[listener]}"


def test_two_starts_share_their_tokens_and_two_houses_do_not(tmp_path):
    first, second = make_plan(tmp_path / "one"), make_plan(tmp_path / "one")
    assert first.tokens == second.tokens
    assert not set(first.tokens.values()) & set(make_plan(tmp_path / "two").tokens.values())


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_private_text_is_read_back(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("private") / "file"
    write_private(file, text)
    assert file.read_bytes().decode("utf-8") == text
