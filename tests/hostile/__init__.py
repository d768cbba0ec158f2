"""Files of strangers: for every reader, what hypothesis makes of a sound file ends in clear words or a right result.

Never in a stack trace, a hang, or more memory than the file explains. `damage` makes the files and measures.
"""
