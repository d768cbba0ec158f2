"""What large grids, many runs and full stores cost: `python -m benchmarks.load`, in parts that run alone."""
