"""`xinglin exam export` and `xinglin exam import`, end to end over the project's own banks."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from exams.cli import exam
from exams.interchange.formats import FORMATS
from exams.items import load_bank

BANKS = Path(__file__).parents[2] / "exams" / "bank"
FIVE = "::{}::题干{{=甲 ~乙 ~丙 ~丁 ~戊}}\n\n"


@pytest.fixture
def run(tmp_path: Path):
    """Runs `xinglin exam`, gives (exit code, output)."""

    def invoke(*words: object) -> tuple[int, str]:
        result = CliRunner().invoke(exam, [str(word) for word in words])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.output

    return invoke


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("subject", ["diagnostics", "imaging", "physiology"])
def test_a_bank_goes_out_and_comes_in(run, tmp_path: Path, subject: str, name: str) -> None:
    file, bank, report = tmp_path / "out.file", tmp_path / "bank", tmp_path / "report.json"
    items = load_bank(BANKS / subject)
    code, said = run("export", file, "--format", name, "--bank", BANKS / subject, "--report", report)
    assert code == 0, said
    left_out = {loss["item"] for loss in json.loads(report.read_text()) if loss["what"] == "item"}
    assert all(item in said for item in left_out)
    assert f"{len(items) - len(left_out)} of {len(items)} items exported to {file}" in said
    code, said = run("import", file, "--format", name, "--bank", bank)
    assert code == 0, said
    carried = {item.id: item for item in items if item.id not in left_out}
    assert {item.id: item for item in load_bank(bank)} == carried
    assert (bank / "out.yaml").stat().st_mode & 0o777 == 0o600


def test_what_the_file_does_not_say_comes_from_the_options(run, tmp_path: Path) -> None:
    (tmp_path / "mid.txt").write_text(FIVE.format("q1"), encoding="utf-8")
    bank = tmp_path / "imaging"
    words = ["--subject", "s", "--topic", "t", "--level", "recall", "--difficulty", "0.4", "--source", "某书"]
    code, said = run("import", tmp_path / "mid.txt", "--format", "gift", "--bank", bank, *words)
    (item,) = load_bank(bank)
    assert (item.subject, item.topic, item.level, item.difficulty, item.source) == ("s", "t", "recall", 0.4, "某书")
    assert "difficulty: the file does not say it, 0.4 stands in (1 item: q1)" in said
    assert (code, said.splitlines()[-1]) == (0, f"1 items imported into {bank / 'mid.yaml'}.")
    run("import", tmp_path / "mid.txt", "--format", "gift", "--bank", tmp_path / "other")
    (item,) = load_bank(tmp_path / "other")
    assert (item.subject, item.topic, item.source) == ("other", "imported", "导入自 mid.txt")


def test_nothing_is_overwritten_and_no_id_comes_twice(run, tmp_path: Path) -> None:
    first, second = tmp_path / "a.gift", tmp_path / "b.gift"
    first.write_text(FIVE.format("q1") + FIVE.format("q2"), encoding="utf-8")
    second.write_text(FIVE.format("q3") + FIVE.format("q2"), encoding="utf-8")
    bank = tmp_path / "bank"
    assert run("import", first, "--format", "gift", "--bank", bank)[0] == 0
    before = (bank / "a.yaml").read_text()
    code, said = run("import", first, "--format", "gift", "--bank", bank)
    assert (code, said) == (1, f"Error: {bank / 'a.yaml'} exists already: rename a.gift and import it again.\n")
    code, said = run("import", second, "--format", "gift", "--bank", bank)
    assert (code, said) == (
        1,
        f"Error: {second}: The bank has the id 'q2' already: give those questions new ids. Nothing was imported.\n",
    )
    code, said = run("export", first, "--format", "gift", "--bank", bank)
    assert (code, said) == (1, f"Error: {first} exists already: choose another name.\n")
    assert [path.name for path in bank.iterdir()] == ["a.yaml"]
    assert (bank / "a.yaml").read_text() == before


def test_a_refused_file_is_one_sentence_and_leaves_nothing(run, tmp_path: Path) -> None:
    file = tmp_path / "x.gift"
    file.write_bytes("::a::题干{=甲 ~乙}".encode("gb18030"))
    code, said = run("import", file, "--format", "gift", "--bank", tmp_path / "bank")
    assert code == 1
    assert said == (
        f"Error: {file}: Line 1 is not UTF-8 text (GB18030, perhaps): save the file with the encoding UTF-8, "
        "import again. Nothing was imported.\n"
    )
    assert not (tmp_path / "bank").exists()


def test_a_file_without_a_question_for_the_bank_says_why(run, tmp_path: Path) -> None:
    file = tmp_path / "x.gift"
    file.write_text("::a::题干{=甲 ~乙}", encoding="utf-8")
    code, said = run("import", file, "--format", "gift", "--bank", tmp_path / "bank")
    assert code == 1
    assert "this one has 2" in said.splitlines()[0]
    assert said.splitlines()[-1] == f"Error: {file}: No question can be imported; the report says why."
    assert not (tmp_path / "bank").exists()
