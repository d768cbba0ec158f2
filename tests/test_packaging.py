"""A wheel holds all that a run needs, and works from any folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_the_code_and_every_conf_file_once(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert len(names) == len(set(names))
    expected = {f"unlearnleak/conf/{path.relative_to(ROOT / 'conf')}" for path in ROOT.glob("conf/**/*.yaml")}
    sweeps = ROOT / "sweeps"
    expected |= {f"unlearnleak/conf/sweep/{path.relative_to(sweeps)}" for path in sweeps.glob("**/*.y*ml")}
    code = [path for path in ROOT.glob("unlearnleak/**/*") if path.is_file() and "__pycache__" not in path.parts]
    expected |= {str(path.relative_to(ROOT)) for path in code}
    inside = {name for name in names if name.startswith("unlearnleak/")}
    plugins = {str(path.relative_to(ROOT)) for path in ROOT.glob("hydra_plugins/**/*.py")}
    assert plugins == {name for name in names if name.startswith("hydra_plugins/")}
    assert expected == inside
    assert "unlearnleak/conf/config.yaml" in inside
    assert not [name for name in names if name.startswith(("tests/", "outputs/", "conf/", "sweeps/"))]


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Where the wheel lies unpacked."""
    target = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(target)]
    done = subprocess.run([*install, str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def run(installed: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_an_installed_package_finds_its_conf_from_any_folder(installed, tmp_path):
    where = run(installed, tmp_path, "-c", "import unlearnleak.run as r; print(r.__file__); print(r.config_folder())")
    module, conf = where.stdout.split()
    assert Path(module).parent == installed / "unlearnleak"
    assert Path(conf) == installed / "unlearnleak" / "conf"
    words = ("dataset=svhn", "unlearner=ng", "--cfg", "job")
    printed = run(installed, tmp_path, "-m", "unlearnleak.run", *words)
    assert printed.returncode == 0, printed.stderr
    here = run(ROOT, tmp_path, "-m", "unlearnleak.run", *words)
    assert "NegativeGradient" in printed.stdout
    assert printed.stdout == here.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("sweep", sorted(path.stem for path in ROOT.glob("sweeps/*.yaml")))
def test_every_sweep_is_reachable_by_name(installed, tmp_path, sweep):
    printed = run(installed, tmp_path, "-m", "unlearnleak.run", f"+sweep={sweep}", "--cfg", "all")
    assert printed.returncode == 0, printed.stderr
    assert "mode: MULTIRUN" in printed.stdout
    assert "sweep_name: adhoc" not in printed.stdout


def test_the_console_script_is_declared(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "unlearnleak = unlearnleak.run:main" in archive.read(name).decode()
