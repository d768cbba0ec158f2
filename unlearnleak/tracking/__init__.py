"""Weights & Biases beside the logger: ids, settings, the service, the workspace, and the upload of offline runs."""
