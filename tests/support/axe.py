"""axe-core over a page: what keeps people out who cannot see it, hear it or use a mouse.

axe-core (MPL-2.0) is a tool of these tests; nothing of it is part of the product.
"""

from pathlib import Path

from playwright.sync_api import Page

SCRIPT = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = {"serious", "critical"}


def findings(page: Page) -> list[str]:
    """Every serious or critical violation on the page as it is now: rule, element and what is wrong with it."""
    page.evaluate(SCRIPT.read_text("utf-8"))
    page.evaluate("document.getAnimations().forEach((animation) => animation.finish())")  # half faded in is no colour
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']} ({rule['impact']}): {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]
