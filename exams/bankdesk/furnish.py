"""What an installation begins with: copies of the banks that come with us, which its teachers then make their own."""

from __future__ import annotations

import shutil
from pathlib import Path

FOLDER = "banks"
"""Below $XINGLIN_HOME."""

PACKAGED = Path(__file__).parents[1] / "bank"


def furnish(root: Path) -> None:
    """Copy the packaged banks to `root`, where nothing is there yet; a bank appears whole or not at all."""
    if root.exists():
        return
    draft = root.with_name(f".{root.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    for bank in sorted(path for path in PACKAGED.iterdir() if path.is_dir()):
        shutil.copytree(bank, draft / bank.name)
    draft.chmod(0o700)
    draft.replace(root)
