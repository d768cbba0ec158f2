import io
import struct
import zipfile

import numpy as np
import pytest

from unlearnleak.data import archive, arrays
from unlearnleak.data.archive import NAMES, Archive, amount, named
from unlearnleak.dataset.npz import Npz
from unlearnleak.errors import UserError

SETTINGS = {"root": None, "auxiliary_per_class": 1, "test_per_class": None, "train_limit": None, "num_classes": None}
TEBI = 2**40


def tiny() -> dict[str, np.ndarray]:
    labels = np.array([0, 1, 0, 1, 0, 1], np.uint8)
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4), np.uint8)
    return {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def header(text: str, version: int = 1, length: int | None = None) -> bytes:
    """A file of numpy.save's whose header is `text`, and that claims to be `length` long."""
    padded = text.encode() + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(padded) if length is None else length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + padded


def claim(shape: object, dtype: str = "|u1") -> str:
    return str({"descr": dtype, "fortran_order": False, "shape": shape})


def write(path, members: dict[str, bytes], how: int = zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", how) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return Npz(path=str(path), **SETTINGS)


def with_member(path, name: str, content: bytes, how: int = zipfile.ZIP_STORED):
    return write(path, {f"{key}.npy": npy(array) for key, array in tiny().items()} | {f"{name}.npy": content}, how)


CLAIMS = {
    "terabytes": (
        header(claim((TEBI, 28, 28))),
        r"train_images claims uint8 values of shape \(1099511627776, 28,",
    ),
    "more than a computer counts": (header(claim((10**300, 10**300, 9))), "claims uint8 .*more than 2.80 bytes"),
    "a negative length": (header(claim((-1, 4, 4))), r"claims uint8 values of shape \(-1, 4, 4\)"),
    "less than there is": (header(claim((1, 1, 1))) + bytes(9), "claims .* 1 bytes, and there are 9 bytes"),
    "a long header": (header(claim((6, 4, 4)), 2, 2**31) + bytes(96), "train_images: it has no header"),
    "no header": (b"hello", "train_images: it has no header"),
    "an empty member": (b"", "train_images: it has no header"),
    "no description": (header("[]"), "train_images: it has no header"),
    "nested": (header("(" * 9000), "train_images: it has no header"),
    "a wide dtype": (header(claim((6,), "|V999999999")), r"train_images claims \|V999999999 .* 5.6 GiB"),
    "another version": (b"\x93NUMPY\x09\x00" + bytes(99), "train_images: it has no header"),
    "a pickle": (header(claim((6, 4, 4), "|O")) + b"\x80\x04N.", "train_images has dtype object"),
}


@pytest.mark.parametrize(("content", "message"), CLAIMS.values(), ids=CLAIMS.keys())
@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_header_that_claims_what_is_not_there_is_refused_by_name(tmp_path, content, message, how):
    dataset = with_member(tmp_path / "bad.npz", "train_images", content, how)
    for look in (dataset.image_shape, dataset.load):
        with pytest.raises(UserError, match=message) as refused:
            look()
        told = str(refused.value)
        assert told.startswith(f"dataset.path={tmp_path / 'bad.npz'}")
        assert "Allowed: " in told
        assert "allow_pickle" not in told
        assert len(told) < 900


def test_nothing_but_headers_and_labels_is_read_before_a_mistake_in_them_is_told(tmp_path, monkeypatch):
    read, seen = Archive.read, []
    monkeypatch.setattr(Archive, "read", lambda self, name: seen.append(name) or read(self, name))
    short = with_member(tmp_path / "short.npz", "train_labels", npy(tiny()["train_labels"][:5]))
    with pytest.raises(UserError, match=r"short.npz: the array train_labels has shape \(5,\)"):
        short.load()
    assert seen == []
    wrong = with_member(tmp_path / "wrong.npz", "train_labels", npy(np.array([0, 1, 2, 3, 4, 9], np.uint8)))
    with pytest.raises(UserError, match="no sample of class 5"):
        wrong.load()
    few = write(tmp_path / "few.npz", {f"{key}.npy": npy(array) for key, array in tiny().items()})
    few.auxiliary_per_class = 3
    with pytest.raises(UserError, match=r"few\.npz: class 0 has 3 training images and needs 4"):
        few.load()
    assert set(seen) == {"train_labels", "test_labels"}


def test_a_small_file_that_claims_to_unfold_to_much_is_refused(tmp_path):
    """The archive's directory may lie about how long a member is, in agreement with the member's own header."""
    path = tmp_path / "bomb.npz"
    content = header(claim((TEBI // 16, 4, 4)))
    with_member(path, "train_images", content, zipfile.ZIP_DEFLATED)
    raw = path.read_bytes()
    at = raw.index(b"PK\x01\x02")  # the directory's first entry is that of train_images; zip64 holds the size
    entry = bytearray(raw[at:])
    name, extra = struct.unpack_from("<HH", entry, 28)
    large = struct.pack("<HHQ", 1, 8, TEBI + len(content))
    struct.pack_into("<I", entry, 24, 0xFFFFFFFF)
    struct.pack_into("<H", entry, 30, extra + len(large))
    entry[46 + name : 46 + name] = large
    end = entry.rindex(b"PK\x05\x06")
    struct.pack_into("<I", entry, end + 12, struct.unpack_from("<I", entry, end + 12)[0] + len(large))
    path.write_bytes(raw[:at] + entry)
    with pytest.raises(UserError, match=r"bomb\.npz cannot be read: train_images claims 1\.0 TiB"):
        Npz(path=str(path), **SETTINGS).load()


def test_what_does_not_fit_into_memory_is_told_before_it_is_read(tmp_path, monkeypatch):
    dataset = write(tmp_path / "large.npz", {f"{key}.npy": npy(array) for key, array in tiny().items()})
    monkeypatch.setattr("unlearnleak.machine.memory.free_memory", lambda: 300)
    monkeypatch.setattr(Archive, "read", lambda self, name: pytest.fail("read an array"))
    with pytest.raises(UserError, match=r"large\.npz holds 204 bytes of arrays.*300 bytes of memory are free"):
        dataset.load()


def test_a_missing_array_is_named_beside_what_there_is_in_words_that_no_terminal_obeys(tmp_path):
    names = ["../../etc/passwd", "\x1b[2Jgone", "a" * 500, *(f"n{n}.npy" for n in range(20))]
    with pytest.raises(UserError, match="has no array train_images, train_labels") as refused:
        write(tmp_path / "odd.npz", dict.fromkeys(names, b"")).load()
    told = str(refused.value)
    assert "\x1b" not in told
    assert "../../etc/passwd" in told
    assert "and 15 more" in told
    assert len(told) < 900
    assert [path.name for path in tmp_path.iterdir()] == ["odd.npz"]


def test_members_beside_the_four_are_left_alone(tmp_path):
    members = {f"{key}.npy": npy(array) for key, array in tiny().items()}
    dataset = write(tmp_path / "more.npz", members | {"../extra.npy": header(claim((TEBI,))), "note.txt": b"x"})
    assert np.array_equal(dataset.load()[0].images[:, 0].numpy(), tiny()["train_images"])


def test_an_encrypted_member_is_refused(tmp_path):
    path = tmp_path / "locked.npz"
    dataset = write(path, {f"{key}.npy": npy(array) for key, array in tiny().items()})
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(UserError, match=r"locked\.npz cannot be read: .*(encrypted|password)"):
        dataset.load()


def test_the_headers_say_what_shape_the_images_have(tmp_path):
    dataset = write(tmp_path / "grey.npz", {f"{key}.npy": npy(array) for key, array in tiny().items()})
    assert dataset.image_shape() == (1, 4, 4)
    colour = {name: np.repeat(a[..., None], 3, 3)[:, :, :3] if a.ndim == 3 else a for name, a in tiny().items()}
    dataset = write(tmp_path / "colour.npz", {f"{key}.npy": npy(array) for key, array in colour.items()})
    assert dataset.image_shape() == (3, 4, 3)


def test_no_memory_is_told_with_the_file(tmp_path, monkeypatch):
    def nothing_left(*_, **__):
        raise MemoryError

    dataset = write(tmp_path / "set.npz", {f"{key}.npy": npy(array) for key, array in tiny().items()})
    monkeypatch.setattr(np.lib.format, "read_array", nothing_left)
    with pytest.raises(UserError, match=r"set\.npz: the array train_labels takes 6 bytes, for which"):
        dataset.load()


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (5 * 2**40, "5.0 TiB"), (2**90, "more than 2^80 bytes")],
)
def test_amounts_are_for_people(nbytes, text):
    assert amount(nbytes) == text
    assert named([]) == "nothing"
    assert set(NAMES) == set(tiny())
    assert archive.LAYOUT in archive.ALLOWED
    assert arrays.PARTS == ("train", "test")
