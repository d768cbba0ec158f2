"""Variables of the environment that would change numbers behind the store's back: ignored, refused, or written down.

No key in the store knows the environment, so a variable that changes what is computed would put another model under the
same key. docs/design.md has the table.
"""

import contextlib
import os
from collections.abc import Iterator

from unlearnleak.errors import UserError

IGNORED = ("PL_TRAINER_",)
"""Beginnings of names that Lightning takes for settings of its Trainer, such as PL_TRAINER_LIMIT_TRAIN_BATCHES."""

REFUSED = {
    "NVIDIA_TF32_OVERRIDE": "the precision of matrix products and convolutions on a GPU",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "the precision of matrix products on a GPU",
    "ONEDNN_DEFAULT_FPMATH_MODE": "the precision of convolutions and layers on the CPU",
    "DNNL_DEFAULT_FPMATH_MODE": "the precision of convolutions and layers on the CPU",
    "ATEN_CPU_CAPABILITY": "the CPU's instructions, and with them last bits",
    "ONEDNN_MAX_CPU_ISA": "the CPU's instructions, and with them last bits",
    "DNNL_MAX_CPU_ISA": "the CPU's instructions, and with them last bits",
    "MKL_CBWR": "the CPU's instructions, and with them last bits",
    "MKL_ENABLE_INSTRUCTIONS": "the CPU's instructions, and with them last bits",
    "MKL_DEBUG_CPU_TYPE": "the CPU's instructions, and with them last bits",
    "MKL_DISABLE_FAST_MM": "how matrices are multiplied on the CPU",
    "NPY_DISABLE_CPU_FEATURES": "the CPU's instructions, and with them last bits",
    "NPY_ENABLE_CPU_FEATURES": "the CPU's instructions, and with them last bits",
    "TORCH_MKLDNN_MATMUL_MIN_DIM": "which library multiplies matrices on the CPU",
    "TORCH_MKLDNN_MATMUL_MIN_SIZE": "which library multiplies matrices on the CPU",
    "TORCH_BLAS_PREFER_CUBLASLT": "which library multiplies matrices on a GPU",
    "TORCH_CUDNN_V8_API_DISABLED": "how convolutions are computed on a GPU",
    "TORCH_CUDNN_USE_HEURISTIC_MODE_B": "how convolutions are computed on a GPU",
    "CUDNN_ERRATA_JSON_FILE": "how convolutions are computed on a GPU",
    "PYTORCH_TUNABLEOP_ENABLED": "how matrices are multiplied on a GPU",
}
"""Names that PyTorch and its libraries read by themselves, most when they are loaded, and what they change."""

RECORDED = ("CUBLAS_WORKSPACE_CONFIG", "CUBLASLT_WORKSPACE_SIZE", "OMP_DYNAMIC", "MKL_DYNAMIC", "OPENBLAS_CORETYPE")
"""Names that may change how sums are split, as another machine or number of threads does.
OPENBLAS_CORETYPE is set for a whole machine where OpenBLAS takes its CPU for another; PyTorch does not use it."""


def refuse_variables() -> None:
    """Raises UserError where a variable is set that would change what is computed."""
    for name, what in REFUSED.items():
        if value := os.environ.get(name):
            raise UserError(
                f"The environment variable {name}={value} changes {what}, and no key in the store would know. "
                f"Unset it: unset {name}"
            )


def recorded_variables() -> dict[str, str]:
    """What `made_with` says of the environment: `variables`, such as "OMP_DYNAMIC=TRUE"; nothing where none is set."""
    there = [f"{name}={value}" for name in RECORDED if (value := os.environ.get(name))]
    return {"variables": " ".join(there)} if there else {}


@contextlib.contextmanager
def ignored_variables() -> Iterator[None]:
    """Hide what is `IGNORED` while something is made that would read it."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(IGNORED)}
    try:
        yield
    finally:
        os.environ.update(hidden)
