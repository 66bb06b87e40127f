"""Pure models of physiology and of scanners: NumPy in, NumPy out, no I/O."""
