"""What the modules below the desk say in English has a shape that the desk knows in Chinese."""

import ast
from pathlib import Path

import pytest

import exams
from exams.bankdesk.sentences import WORDS
from exams.bankdesk.wording import said, shape
from exams.ledger import State

FOLDER = Path(exams.__file__).parent
RAISED = {"DocumentError", "fail", "NotAllowedError", "UnusableError", "Loss", "KeyRefusedError"}
OF_FILES_AS_A_WHOLE = {
    # said of what is not typed at the desk: a file of a bank that somebody broke by hand, read before anything is shown
    "documents.py": (
        "The file cannot be read as UTF-8",
        "A field stands here twice",
        "be read: put it in quotes",
        "valid YAML",
        "offset from UTC",
    ),
    "items.py": ("stands in", "no bank files"),
    "gift.py": ("no items that x",),  # each of them in full stands among the shapes
    "ledger.py": ("no entry of a ledger",),
}


def sentences(path):
    """Every text of ten letters or more in what is raised or reported in a file, its values filled in as x."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        name = getattr(getattr(node, "func", None), "id", getattr(getattr(node, "func", None), "attr", ""))
        if isinstance(node, ast.Call) and name in RAISED:
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    text = argument.value
                elif isinstance(argument, ast.JoinedStr):
                    text = "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "x" for part in argument.values
                    )
                else:
                    continue
                if len(text) > 10 and " " in text:
                    yield text


SOURCES = [
    FOLDER / name
    for name in (
        "documents.py",
        "items.py",
        "asset.py",
        "regions.py",
        "key.py",
        "ledger.py",
        "bankdesk/editing.py",
        "bankdesk/api.py",
    )
]
SOURCES += [path for path in sorted((FOLDER / "interchange").glob("*.py")) if path.name != "command.py"]
SAID = [(path.name, text) for path in SOURCES for text in sentences(path)]


@pytest.mark.parametrize(("name", "text"), SAID, ids=[text[:40] for _, text in SAID])
def test_every_sentence_has_a_shape(name, text):
    if any(part in text for part in OF_FILES_AS_A_WHOLE.get(name, ())):
        return
    assert text in WORDS or shape(text) is not None, text


def test_there_are_sentences_to_look_at():
    assert len(SAID) > 80


@pytest.mark.parametrize(
    ("sentence", "chinese"),
    [
        ("The field 'stem' is blank.", "“题干”不能为空。"),
        ("The field 'points' must be a number, not 'x'.", "“分值”应为数，而不是 'x'。"),
        ("dx-1 is live: only a draft is reviewed.", "dx-1 当前为启用，只有草稿可以审核。"),
        ("teacher01 wrote dx-1: another teacher reviews it.", "dx-1 由 teacher01 命题，须由另一位教师审核。"),
        ("left out: its text holds a control character", "未导入：文字中含有控制字符"),
        ("The key 'Z' is not one of the options A, B.", "答案 'Z' 不在选项 A, B 之中。"),
        ("what nobody ever says", "what nobody ever says"),
    ],
)
def test_it_is_said_in_the_readers_language(sentence, chinese):
    assert said(sentence, "zh") == chinese
    assert said(sentence, "en") == sentence


def test_a_state_is_a_word():
    for state in State:
        assert said(str(state), "zh") != state
