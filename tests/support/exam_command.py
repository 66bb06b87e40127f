"""`xinglin exam` in this process, over a home of the test's own."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from click.testing import CliRunner, Result

from exams.autograde.cluster import HERE, Cluster
from exams.cli import exam
from exams.roster import NEEDED
from tests.support.exam_host import store_url


@dataclass(frozen=True)
class Settings:
    home: Path
    marking: Cluster = HERE

    @property
    def exams_database_url(self) -> str:
        return store_url(self.home)


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(exam, list(arguments), obj=Settings(home), prog_name="xinglin exam")


def roster_file(folder: Path) -> Path:
    path = folder / "candidates.csv"
    lines = [",".join(NEEDED), "N1,student01,学生01,东校医学院,A,0", "N2,student04,学生04,西校医学院,A,15"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def build(home: Path, name: str, opens: datetime, closes: datetime) -> Result:
    options = ["--title", "诊断学联考", "--opens", opens.isoformat(), "--closes", closes.isoformat(), "--minutes", "60"]
    return run(home, "build", name, *options, "--lead", "lead01", "--roster", str(roster_file(home)))


RUN = """
import os
from dataclasses import dataclass
from pathlib import Path
import click
from exams.autograde.cluster import HERE, Cluster
from exams.cli import exam
@dataclass
class Settings:
    home: Path
    marking: Cluster = HERE

    @property
    def exams_database_url(self) -> str:
        return f"sqlite:///{self.home / 'exams' / 'exams.sqlite'}"
@click.group()
@click.pass_context
def main(context):
    context.obj = Settings(Path(os.environ["XINGLIN_HOME"]))
main.add_command(exam)
main()
"""
