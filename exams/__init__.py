"""Joint exams: items, blueprint, assembly, paper, sitting, service, exchange, gradebook, marking."""
