"""nbgrader for the collaboration group's course."""
