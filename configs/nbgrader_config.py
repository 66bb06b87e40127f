"""nbgrader for the collaboration group's course; `xinglin exam build` puts a copy into the course root."""

c = get_config()  # type: ignore[name-defined] # noqa: F821 - traitlets gives it to a configuration file

# what a candidate did not answer
c.ClearSolutions.code_stub = {"python": "answer = None"}
c.ClearSolutions.text_stub = "（未作答）"

# responses come from the exam service's database, with its server's times, not from a shared folder
c.ExchangeFactory.collect = "exams.exchange.SittingCollect"

# feedback holds neither hidden tests nor the markers' rubrics
c.ClearHiddenTests.enforce_metadata = False
c.ClearMarkScheme.enforce_metadata = False
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.ClearMarkScheme",
    "nbgrader.preprocessors.GetGrades",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
