"""What others made, read from files: models, tables of answers, labelled images.

model.open_model(path, ...)     a ForeignModel: a classifier of any architecture, with what is not possible and why
model.wrap_model(module, ...)   the same of a module or a callable in Python
answers.open_answers(path)      a table of answers
images.open_images(path, ...)   labelled images

A file's kind is told by its content, never by its name. Nothing is unpickled that could run code.
"""
