"""A .pt2 that was made up to run code does not, and says what was in it; torch.export.load alone would run it."""

import contextlib
import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from tests.foreign.strangers import any_batch, exported, images, made
from unlearnleak.errors import UserError
from unlearnleak.foreign.exported_archive import safe_archive

WEIGHTS, PROGRAM = "data/weights/model_weights_config.json", "models/model.json"


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    path = exported(made("first"), images("first"), tmp_path_factory.mktemp("pt2") / "net.pt2", **any_batch())
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def packed(members, how=zipfile.ZIP_STORED, twice=()):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", how) as archive:
        for name, data in [*members.items(), *twice]:
            archive.writestr(f"net/{name}", data)
    return content.getvalue()


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def changed(members, name, change):
    described = json.loads(members[name])
    change(described)
    return members | {name: json.dumps(described).encode()}


def pickled_weight(members, ran):
    content = io.BytesIO()
    torch.save(Evil(ran), content)
    first = json.loads(members[WEIGHTS])["config"]["classify.bias"]["path_name"]
    members = changed(members, WEIGHTS, lambda it: it["config"]["classify.bias"].update(use_pickle=True))
    return members | {f"data/weights/{first}": content.getvalue()}


def pickled_inputs(members, ran):
    content = io.BytesIO()
    torch.save(Evil(ran), content)
    return members | {"data/sample_inputs/model.pt": content.getvalue()}


def pickled_constant(members, ran):
    entry = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}
    table = "data/constants/model_constants_config.json"
    members = changed(members, table, lambda it: it["config"].update(x=entry))
    return members | {"data/constants/opaque_obj_0": pickle.dumps(Evil(ran))}


def called(members, ran):
    node = {
        "target": "torch.os.mkdir",
        "inputs": [{"name": "path", "arg": {"as_string": str(ran)}, "kind": 1}],
        "outputs": [],
        "metadata": {},
    }
    return changed(members, PROGRAM, lambda it: it["graph_module"]["graph"]["nodes"].insert(0, node))


def size_of(members, text):
    def change(it):
        it["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0]["as_expr"]["expr_str"] = text

    return changed(members, PROGRAM, change)


def guarded(members, ran):
    code = f"__import__('os').mkdir({str(ran)!r}) or True"
    return changed(members, PROGRAM, lambda it: it.update(guards_code=[code]))


EVIL = {
    "a weight that is a pickle": (pickled_weight, "classify.bias is a pickle, which may run any code"),
    "a constant that is an object": (pickled_constant, "x is a pickle"),
    "a call": (called, "calls 'torch.os.mkdir', which is no operator on tensors"),
    "a size": (lambda m, ran: size_of(m, f"__import__('os').mkdir({str(ran)!r})"), 'computes a size by "__import__'),
    "a number without end": (lambda m, ran: size_of(m, "9**9**9**9"), "computes a size by"),
}
HARMLESS = {"sample inputs": pickled_inputs, "guards": guarded}


@pytest.mark.parametrize("make", [*(make for make, _ in EVIL.values()), *HARMLESS.values()], ids=[*EVIL, *HARMLESS])
def test_nothing_of_it_is_run(tmp_path, members, make):
    with contextlib.suppress(UserError):
        torch.export.load(safe_archive(packed(make(members, tmp_path / "ran")), Path("net.pt2"))).module()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", [*list(EVIL)[:2], "a size", "sample inputs"])
def test_and_torch_alone_would_run_it(tmp_path, members, name):
    """Which is why it is rewritten first."""
    make = HARMLESS.get(name) or EVIL[name][0]
    with contextlib.suppress(Exception):
        torch.export.load(io.BytesIO(packed(make(members, tmp_path / "ran"))))
    if not (tmp_path / "ran").exists():
        pytest.skip("this PyTorch has mended it")


@pytest.mark.parametrize(("make", "told"), EVIL.values(), ids=EVIL)
def test_what_would_run_is_named(tmp_path, members, make, told):
    with pytest.raises(UserError, match=told) as refused:
        safe_archive(packed(make(members, tmp_path / "ran")), Path("net.pt2"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.__class__.__subclasses__",
        "torch.ops.aten.relu.__init__",
        "torch.ops.aten.from_file.default",
        "torch.ops.image.read_file.default",
        "torch.ops.aten.relu.default.__call__",
        "torch.load",
        "math.factorial",
        "_operator.methodcaller",
        "#os:system",
        "os.system",
    ],
)
def test_no_name_leads_out_of_the_operators(members, target):
    def call(it):
        it["graph_module"]["graph"]["nodes"][0]["target"] = target

    with pytest.raises(UserError, match="which is no operator on tensors"):
        safe_archive(packed(changed(members, PROGRAM, call)), Path("net.pt2"))


def test_what_was_checked_is_what_is_loaded(members):
    """Of two files of one name, one reader takes the first and another the last."""
    with pytest.warns(UserWarning, match="Duplicate"):
        content = packed(members, twice=[(PROGRAM, b"{}")])
    with pytest.raises(UserError, match="two files of one name"):
        safe_archive(content, Path("net.pt2"))


def claim(it):
    it["config"]["classify.bias"]["tensor_meta"]["sizes"] = [{"as_int": 2**40}]


def elsewhere(it):
    it["config"]["classify.bias"]["path_name"] = "../../models/model.json"


def two_programs(members):
    return {name.replace("models/model.json", "models/other.json"): data for name, data in members.items()}


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda m: packed(m, zipfile.ZIP_DEFLATED), "its files are packed"),
        (lambda m: packed(changed(m, WEIGHTS, claim)), r"classify\.bias is \[1099511627776\], which its 16 bytes"),
        (lambda m: packed(changed(m, WEIGHTS, elsewhere)), "is an object and no tensor"),
        (lambda m: packed(two_programs(m)), "no program called model"),
        (lambda m: packed(m | {WEIGHTS: b"[]"}), "not described as torch.export does"),
        (lambda m: packed(m | {WEIGHTS: b"{"}), "cannot be read"),
        (lambda m: packed({n: d for n, d in m.items() if n != "data/weights/weight_0"}), "not described"),
        (lambda m: packed(m | {PROGRAM: b"[" * 10**5}), "not described|cannot be read"),
        (lambda m: packed(m)[:-40], "cannot be read|no program"),  # an archive of its own lies inside
    ],
)
def test_what_is_damaged_or_claims_too_much_is_told(members, make, told):
    with pytest.raises(UserError, match=told):
        safe_archive(make(members), Path("net.pt2"))


def test_what_was_exported_on_a_gpu_is_loaded_on_the_cpu(members):
    """A file that was made on the CPU, with every device in it renamed as a GPU's file has them."""
    there = {
        name: data.replace(b'"type": "cpu", "index": null', b'"type": "cuda", "index": 0').replace(
            b'"type":"cpu","index":null', b'"type":"cuda","index":0'
        )
        for name, data in members.items()
    }
    assert there != members
    program = torch.export.load(safe_archive(packed(there), Path("net.pt2")))
    assert torch.equal(program.module()(images("first")), made("first")(images("first")))


def test_the_sound_one_is_loaded(members):
    program = torch.export.load(safe_archive(packed(members), Path("net.pt2")))
    assert torch.equal(program.module()(images("first")), made("first")(images("first")))
