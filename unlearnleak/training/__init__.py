"""Training through Lightning: `fit` trains a model on images that stay on the device.

`optimization` is how long and how fast, `batches` the order of the images, `checkpoint` what a killed training goes on
from, `class_updates` the record of what each class did to the weights.
"""
