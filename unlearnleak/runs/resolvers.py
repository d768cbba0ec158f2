"""What `${unlearnleak.NAME:...}` in conf/ stands for. Importing this module makes the names known to OmegaConf."""

from omegaconf import OmegaConf

from unlearnleak.config.home import in_home
from unlearnleak.runs.naming import run_name

OmegaConf.register_new_resolver("unlearnleak.run_name", run_name, replace=True)
OmegaConf.register_new_resolver("unlearnleak.in_home", in_home, replace=True)
