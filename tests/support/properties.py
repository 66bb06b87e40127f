"""How many examples a property test tries: few and the same ones in `make test`, ten times as many in `make test-all`.

With the same examples each time, a change is not stopped by a fault that it did not bring; the thorough run looks for
those, with other examples each time.
"""

from hypothesis import settings

QUICK, THOROUGH = "quick", "thorough"
MORE = 10
EXAMPLES = 50


def register() -> None:
    """Both profiles; `--hypothesis-profile` chooses, QUICK by default."""
    settings.register_profile(QUICK, deadline=None, max_examples=EXAMPLES, derandomize=True, database=None)
    settings.register_profile(THOROUGH, deadline=None, max_examples=MORE * EXAMPLES)
    settings.load_profile(QUICK)


def examples(count: int) -> settings:
    """At most `count` of them in the quick profile: for tests in which one costs a database, a model or a process."""
    thorough = settings.get_current_profile_name() == THOROUGH
    return settings(max_examples=MORE * count if thorough else count)
