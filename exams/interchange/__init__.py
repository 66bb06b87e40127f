"""Interchange 题库交换: items from and to QTI 2.1 and 3.0, Moodle XML, GIFT and xlsx.

What a format cannot carry becomes a `Loss` in the report; a hostile file is refused, in one sentence, as a whole.
"""
