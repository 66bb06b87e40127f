"""Bundling: deterministic, nothing done twice, a clear word where it cannot be done."""

import shutil
from pathlib import Path

import pytest

from widgets import assets

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "widgets"
    folder.mkdir()
    (folder / "thing.py").write_text('"""A widget."""')
    (folder / "thing.js").write_text(
        'import css from "./thing.css"; import { two } from "./shared.js"; export default { two, css };'
    )
    (folder / "shared.js").write_text("export const two = 1 + 1;")
    (folder / "thing.css").write_text(".thing { color: red; }")
    return folder


def test_front_ends_are_those_with_a_python_side(source):
    assert [path.name for path in assets.front_ends(source)] == ["thing.js"]


def test_the_same_sources_give_the_same_bytes(source, tmp_path):
    first, second = assets.bundle_all(source, tmp_path / "a", ROOT), assets.bundle_all(source, tmp_path / "b", ROOT)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert b".thing" in first[0].read_bytes()


def test_nothing_is_run_where_all_is_up_to_date(source, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    shutil.copy(ROOT / "package-lock.json", root)
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    assets.bundle_all(source, tmp_path / "out", root)
    (root / "node_modules").unlink()
    assets.bundle_all(source, tmp_path / "out", root)  # would fail: there is no bundler any more
    (source / "shared.js").write_text("export const two = 2;")
    with pytest.raises(assets.BuildError, match=r"bootstrap\.py"):
        assets.bundle_all(source, tmp_path / "out", root)


def test_a_missing_bundle_is_made_again(source, tmp_path):
    (made,) = assets.bundle_all(source, tmp_path / "out", ROOT)
    made.unlink()
    assets.bundle_all(source, tmp_path / "out", ROOT)
    assert made.exists()


def test_a_source_that_does_not_parse_is_named(source, tmp_path):
    (source / "thing.js").write_text("export default {")
    with pytest.raises(assets.BuildError, match=r"thing\.js"):
        assets.bundle_all(source, tmp_path / "out", ROOT)


def test_a_bundle_that_was_not_built_says_how():
    with pytest.raises(assets.BuildError, match=r"python -m widgets\.assets"):
        assets.bundle("no_such_widget")
