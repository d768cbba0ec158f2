"""What a file is, told by what is in it, under any name."""

import io
import json
import os
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.foreign.strangers import any_batch, exported, images, lightning, made, scripted
from unlearnleak.errors import UserError
from unlearnleak.foreign.kind import Kind, kind_of


def zipped(*names):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return content.getvalue()


def of_arrays(path, **arrays):
    with path.open("wb") as file:
        np.savez(file, **arrays)


MADE = {
    Kind.SAFETENSORS: lambda path: save_file(made("first").state_dict(), path),
    Kind.STATE_DICT: lambda path: torch.save(made("first").state_dict(), path),
    Kind.LIGHTNING: lambda path: lightning(made("first"), path),
    Kind.EXPORTED: lambda path: exported(made("first"), images("first"), path, **any_batch()),
    Kind.SCRIPTED: lambda path: scripted(made("first"), path),
    Kind.ANSWERS_NPZ: lambda path: of_arrays(path, logits=np.zeros((2, 2)), labels=np.zeros(2, int)),
    Kind.ANSWERS_CSV: lambda path: path.write_text("label,p0,p1\n0,0.5,0.5\n"),
    Kind.IMAGES_NPZ: lambda path: of_arrays(path, images=np.zeros((2, 4, 4)), labels=np.zeros(2, int)),
    Kind.IMAGE_FOLDER: lambda path: (path / "cat").mkdir(parents=True),
    Kind.PARQUET: lambda path: path.write_bytes(b"PAR1"),
}


@pytest.mark.parametrize("kind", Kind)
def test_the_content_tells_and_the_name_does_not(tmp_path, kind):
    path = tmp_path / "x.pt2.safetensors.csv"
    MADE[kind](path)
    assert kind_of(path) is kind
    assert kind_of(str(path)) is kind


def test_a_file_of_torch_save_before_archives_is_one(tmp_path):
    torch.save({"w": torch.ones(2)}, tmp_path / "x", _use_new_zipfile_serialization=False)
    assert kind_of(tmp_path / "x") is Kind.STATE_DICT


def tar(path):
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))


OTHERS = {
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "a pickle": (lambda path: path.write_bytes(pickle.dumps([1])), "is a pickle, which may run any code"),
    "half a pickle": (lambda path: path.write_bytes(b"\x80\x02\x8a\xff"), "is a pickle"),
    "keras": (lambda path: path.write_bytes(b"\x89HDF\r\n"), "is HDF5"),
    "a picture": (lambda path: path.write_bytes(b"\x89PNG\r\n"), "is a picture"),
    "git": (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
    "one array": (lambda path: path.write_bytes(b"\x93NUMPY"), "a single array"),
    "text": (lambda path: path.write_text("hello\n"), "no file of a known kind"),
    "another table": (
        lambda path: path.write_text("a,b\n1,2\n"),
        "a table without a column label; .* a, b",
    ),
    "a tar": (tar, "no file of a known kind"),
    "an archive": (lambda path: path.write_bytes(zipped("a.txt", "b")), r"holds a\.txt, b, which no kind of file does"),
    "arrays": (lambda path: of_arrays(path, x=np.zeros(2)), r"holds x\.npy"),
    "half an archive": (lambda path: path.write_bytes(zipped("a", "b")[:60]), "begins like a zip archive"),
    "compiled": (
        lambda path: path.write_bytes(zipped("m/archive_format", "m/data/aotinductor/model/x.so")),
        "machine code, which is not run here",
    ),
    "older": (lambda path: path.write_bytes(zipped("serialized_exported_program.json", "version")), "before 2.8"),
    "no file": (lambda path: None, "cannot be read: No such file"),
    "a pipe": (os.mkfifo, "no regular file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "no regular file"),
    "a loop": (lambda path: path.symlink_to(path), "Too many levels"),
    "a hub's folder": (
        lambda path: (path.mkdir(), (path / "config.json").write_text(json.dumps({}))),
        "folder of a model. Name the file",
    ),
}


@pytest.mark.parametrize(("make", "told"), OTHERS.values(), ids=OTHERS)
def test_anything_else_is_named(tmp_path, make, told):
    make(tmp_path / "x")
    with pytest.raises(UserError, match=told) as refused:
        kind_of(tmp_path / "x")
    assert str(tmp_path / "x") in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_kind_has_the_article_that_it_takes():
    assert Kind.EXPORTED.one == "an exported program (torch.export)"
    assert Kind.LIGHTNING.one == "a checkpoint of PyTorch Lightning"
    assert Kind.SAFETENSORS.one == "weights (safetensors)"
    assert Kind.SCRIPTED.one == "TorchScript"
