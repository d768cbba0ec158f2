"""Hydra's doors to `unlearnleak.sweep`: Hydra takes sweepers and launchers from this namespace only.

Hydra imports every module here at each start, so they hold thin classes and import nothing heavy.
"""
