"""Training through Lightning: `fit` trains a model on images that stay on the device.

`lit` is how Lightning trains a classifier, `optimization` how long and how fast, `batches` the order of the images,
`checkpoint` what a killed training goes on from. `task` is what an unlearner is given. A `recorder` keeps for it what
the original's training did: `class_recorder`, by way of `class_updates`, what each class did to the weights.
"""
