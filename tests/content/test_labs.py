"""Every lab, built and run from top to bottom as the platform does, without an error."""

import asyncio
import json
import os

import nbformat
import pytest
from nbclient import NotebookClient

from courses.build import build
from courses.catalogue import read_catalogue

LABS = list(read_catalogue().labs())
ASK = """
import gc, json
from courses.tasks import TaskCard
print(json.dumps(sorted({card.task_id for card in gc.get_objects() if isinstance(card, TaskCard)})))
"""


async def run(path, environment):
    """The notebook with its outputs, and what a last cell says about its task cards."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}})
    await client.async_execute(env=environment)
    return notebook


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Each lab's notebook, run at once."""
    folder = tmp_path_factory.mktemp("labs")
    build(read_catalogue(), folder / "courses")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XINGLIN_REPORT")}
    environment["XINGLIN_CASES"] = str(folder / "cases")

    async def everything():
        return await asyncio.gather(*(run(folder / "courses" / f"{lab.id}.ipynb", environment) for lab in LABS))

    return dict(zip((lab.id for lab in LABS), asyncio.run(everything()), strict=True))


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
class TestLab:
    """What holds for each lab."""

    def test_it_runs_without_an_error_or_a_warning(self, executed, lab):
        outputs = [output for cell in executed[lab.id].cells if cell.cell_type == "code" for output in cell.outputs]
        assert outputs
        for output in outputs:
            assert output.output_type != "error"
            assert not (output.output_type == "stream" and output.name == "stderr"), output.text

    def test_its_tasks_are_those_that_the_course_declares(self, executed, lab):
        asked = json.loads(executed[lab.id].cells[-1].outputs[0].text)
        assert asked == sorted(task.id for task in lab.tasks)

    def test_it_opens_with_its_question_and_then_a_live_picture(self, executed, lab):
        first, *rest = executed[lab.id].cells
        assert first.cell_type == "markdown"
        assert lab.question.zh in first.source
        shown = next(cell.get("outputs") for cell in rest if cell.cell_type == "markdown" or cell.outputs)
        assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in shown)

    def test_it_poses_shows_and_evaluates(self, executed, lab):
        whole = json.dumps(executed[lab.id], ensure_ascii=False)  # sources, outputs and the widgets' state
        assert [step for step in ("设计任务", "呈现任务", "评价任务") if step not in whole] == []
