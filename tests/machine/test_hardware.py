import torch

from unlearnleak.machine import hardware


def test_a_processor_is_called_as_the_system_calls_it(tmp_path, monkeypatch):
    facts = tmp_path / "cpuinfo"
    facts.write_text("processor\t: 0\nmodel name\t: Some CPU: fast\nprocessor\t: 1\nmodel name\t: Another\n")
    monkeypatch.setattr(hardware, "CPU_FACTS", facts)
    assert hardware.hardware(torch.device("cpu")) == "Some CPU: fast"
    monkeypatch.setattr(hardware, "CPU_FACTS", tmp_path / "none")
    assert hardware.hardware(torch.device("cpu"))


def test_a_gpu_is_called_as_its_driver_calls_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index}")
    assert hardware.hardware(torch.device("cuda", 1)) == "GPU 1"
