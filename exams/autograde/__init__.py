"""Code answers: run in a sandbox where nothing is decided, marked by a trusted process that runs no student's code."""
