"""The paper's Tables III to VIII beside ours, cell by cell.

cells.csv holds every figure that those tables print (arXiv 2604.07386), in percent, as printed. `cells` reads it and
says which of our keys answers which table, `anomalies` checks the printed figures against each other, `tables` puts
ours beside them, `occupied` leaves out those without a run, `show` prints. Nothing here runs a job.
"""
