"""Settings: every default loads, an installation's file may change values and nothing else."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.settings import DEFAULTS, SettingsError, load, merged, names

DEFAULT_VALUES = tomllib.loads(DEFAULTS.read_text("utf-8"))
EVERY = [(section, name) for section, values in DEFAULT_VALUES.items() for name in values]


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def load_with(home, text, **environment):
    home.mkdir(parents=True, exist_ok=True)
    (home / "xinglin.toml").write_text(text, "utf-8")
    return load({"XINGLIN_HOME": str(home), **environment})


def test_every_setting_of_the_defaults_is_loaded_and_none_more(home):
    settings = load({"XINGLIN_HOME": str(home)})
    assert names() == [f"{section}.{name}" for section, name in EVERY]
    for section, name in EVERY:
        assert getattr(getattr(settings, section), name) == DEFAULT_VALUES[section][name]


def test_without_a_home_state_lies_in_var_of_the_project():
    assert load({}).home == DEFAULTS.parent.parent / "var"
    assert load({"XINGLIN_HOME": ""}).home == DEFAULTS.parent.parent / "var"


def test_a_home_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load({"XINGLIN_HOME": "here"}).home == tmp_path / "here"
    assert load({"XINGLIN_HOME": "~/there"}).home == tmp_path / "there"


def test_an_installation_changes_one_value_and_keeps_the_rest(home):
    settings = load_with(home, '[apps]\nmax_kernels = 7\n[cases]\ndicomweb = ["http://127.0.0.1:1/a"]\n')
    assert settings.apps.max_kernels == 7
    assert settings.cases.dicomweb == ["http://127.0.0.1:1/a"]
    assert settings.apps.idle_s == DEFAULT_VALUES["apps"]["idle_s"]
    assert settings.server == load({"XINGLIN_HOME": str(home.parent)}).server


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[servers]\nport = 1\n", "[servers]"),
        ("server = 5\n", "[server]"),
        ("[server]\nports = 1\n", "[server] has no setting ports"),
        ('[server]\nport = "8000"\n', "[server] port must be of type int"),
        ("[exams]\nprocesses = 2\n", "more than 1 only with PostgreSQL"),
        ("[exams]\nprocesses = 0\n", "[exams] processes must be 1 or more"),
        ("[server]\nport = true\n", "[server] port must be of type int"),
        ("[server]\nport = 0\n", "port"),
        ("[server]\nport = 65536\n", "port"),
        ("[jupyterlab]\nenabled = 1\n", "[jupyterlab] enabled must be of type bool"),
        ("[cases]\ndicomweb = [1]\n", "[cases] dicomweb"),
        ('[cases]\ndicomweb = ["pacs.example:8042"]\n', "whole addresses"),
        ('[cases]\ndicomweb = ["http://pacs.example/a b"]\n', "whole addresses"),
        ('[server]\naddress = "example"\n', "address"),
        ('[server]\ntime_zone = "Asia/Nowhere"\n', "time_zone"),
        ('[server]\ntime_zone = "../../etc/passwd"\n', "time_zone"),
        ('[server]\ntime_zone = ""\n', "time_zone"),
        ("[server\n", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_file_named(home, text, says):
    with pytest.raises(SettingsError) as refused:
        load_with(home, text)
    assert str(home / "xinglin.toml") in str(refused.value)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_utf8_is_refused_with_its_name(home):
    home.mkdir()
    (home / "xinglin.toml").write_bytes("# 端口\n".encode("gb18030"))
    with pytest.raises(SettingsError, match=r"xinglin\.toml"):
        load({"XINGLIN_HOME": str(home)})


def test_the_port_of_the_environment_wins(home):
    assert load_with(home, "[server]\nport = 9000\n").server.port == 9000
    assert load_with(home, "[server]\nport = 9000\n", XINGLIN_PORT="8123").server.port == 8123
    assert load_with(home, "[server]\nport = 9000\n", XINGLIN_PORT="").server.port == 9000


@pytest.mark.parametrize("port", ["0", "65536", "-1", "80.0", "eighty", "8000 ", "²"])
def test_a_port_that_is_none_is_refused(home, port):
    with pytest.raises(SettingsError, match="XINGLIN_PORT"):
        load({"XINGLIN_HOME": str(home), "XINGLIN_PORT": port})


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_only_loopback_counts_as_loopback(home, address, loopback):
    assert load_with(home, f'[server]\naddress = "{address}"\n').server.is_loopback == loopback


values = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.lists(st.text()))


@given(st.sampled_from(EVERY), values)
def test_a_merge_takes_a_value_of_the_same_type_and_no_other(place, value):
    section, name = place
    if type(value) is not type(DEFAULT_VALUES[section][name]):
        with pytest.raises(SettingsError, match=r"^here: "):
            merged(DEFAULT_VALUES, {section: {name: value}}, "here")
        return
    result = merged(DEFAULT_VALUES, {section: {name: value}}, "here")
    assert result[section].pop(name) == value
    unchanged = {key: dict(fields) for key, fields in DEFAULT_VALUES.items()}
    unchanged[section].pop(name)
    assert result == unchanged


def test_a_merge_leaves_the_defaults_alone():
    before = tomllib.loads(DEFAULTS.read_text("utf-8"))
    merged(DEFAULT_VALUES, {"server": {"port": 1}}, "here")
    assert before == DEFAULT_VALUES


def test_state_lies_below_home(home):
    settings = load({"XINGLIN_HOME": str(home)})
    assert settings.database_url == f"sqlite:///{home}/state.sqlite"
    assert settings.hub_database_url == f"sqlite:///{home}/hub.sqlite"
    assert settings.course_root == Path(home, "nbgrader", DEFAULT_VALUES["exams"]["collaboration"])
