"""What a computer computes with, in words: seconds say something beside that alone."""

import platform
from pathlib import Path

import torch

CPU_FACTS = Path("/proc/cpuinfo")
LONGEST = 80
"""Characters of a name that are kept."""


def hardware(device: torch.device) -> str:
    """The name of the GPU, or of the processor as far as the system tells it, such as "AMD EPYC 7B13"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)[:LONGEST]
    return (processor() or platform.processor() or platform.machine() or "unknown")[:LONGEST]


def processor() -> str:
    """The processor's name as Linux has it; "" where it has none."""
    try:
        lines = CPU_FACTS.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
