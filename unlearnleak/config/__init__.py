"""From words on a command line to settings that are checked, and from settings to components.

A config is data from outside: `hydra_settings`, `references` and `loader` look at what it says before Hydra acts on it,
`build` makes components of it and nothing else, `variables` keeps the environment out of numbers, `hints` and `look`
are for messages, `home` is where ~ leads, `objective` what a search is told.
"""
