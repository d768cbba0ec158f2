"""What a GPU takes for the project's work, and what it could take: python -m benchmarks.gpu"""
