"""From the frame of runs to numbers: groups, averages with their intervals, tests. Nothing is drawn or written here."""
