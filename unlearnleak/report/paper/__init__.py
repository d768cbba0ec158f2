"""The paper's Tables III to VIII beside ours, cell by cell, and how much of a spread is the original models'.

cells.csv holds every figure that those tables print (arXiv 2604.07386), in percent, as printed. `cells` reads it and
says which of our keys answers which table, `anomalies` checks the printed figures against each other, `tables` puts
ours beside them, `show` prints. `variance` splits the variance between originals and targets. Nothing here runs a job.
"""
