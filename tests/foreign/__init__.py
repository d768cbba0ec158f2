"""Files that others made: saved here by plain PyTorch, NumPy, Pillow and Arrow, as a stranger would."""
