"""The machine that everything runs on: devices, memory, processes, terminals; and random numbers, the same on each.

Nothing here knows of data, models or runs.
"""
