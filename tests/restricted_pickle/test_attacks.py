"""Pickles that try to run something: each would leave a marker file, none does."""

import copyreg
import os
import pickle

import numpy as np
import pytest

from ehpsbench.errors import InputError, RefusedPickle
from ehpsbench.restricted_pickle import dump_frame_pandas1, load, load_npy, load_npz
from ehpsbench.restricted_pickle.encoder import Call, Encoder, Name, Persistent

SYSTEM = Name(os.system.__module__, "system")  # posix.system


class Touch:
    """Touches a file when Python unpickles it."""

    def __init__(self, marker):
        self.command = f"touch {marker}"

    def __reduce_ex__(self, protocol):
        return os.system, (self.command,)


def reduced(command):
    return Encoder(4).encode(Call(SYSTEM, (command,)))


def by_inst(command):
    return f"(S'{command}'\ni{SYSTEM.module}\nsystem\n.".encode()


def by_obj(command):
    return f"(c{SYSTEM.module}\nsystem\nS'{command}'\no.".encode()


def by_dotted_name(command):
    return Encoder(4).encode(Call(Name("shutil", "os.system"), (command,)))


def in_a_dict_in_a_list(command):
    return Encoder(2).encode([{"betas": np.zeros(3), "x": (Call(SYSTEM, (command,)),)}])


def as_the_state_of_an_array(command):
    empty = (Name("numpy", "ndarray"), (0,), b"b")
    reconstruct = Name("numpy.core.multiarray", "_reconstruct")
    return Encoder(4).encode(Call(reconstruct, empty, Call(SYSTEM, (command,))))


LIVE = [reduced, by_inst, by_dotted_name, in_a_dict_in_a_list, as_the_state_of_an_array]


@pytest.mark.parametrize("attack", [*LIVE, by_obj])
def test_no_way_of_calling_os_system_is_taken(attack, tmp_path):
    marker = tmp_path / "marker"
    (tmp_path / "evil.pkl").write_bytes(attack(f"touch {marker}"))
    with pytest.raises(RefusedPickle, match=r"evil\.pkl names \w+\.(os\.)?system .*was run"):
        load(tmp_path / "evil.pkl")
    assert not marker.exists()


@pytest.mark.parametrize("attack", LIVE[:4])
def test_the_attacks_do_work_on_pythons_own_unpickler(attack, tmp_path):
    marker = tmp_path / "marker"
    pickle.loads(attack(f"touch {marker}"))
    assert marker.exists()


def test_a_call_in_a_cell_of_a_frame_is_refused(tmp_path):
    marker = tmp_path / "marker"
    cells = [["male"], [Call(SYSTEM, (f"touch {marker}",))]]
    dump_frame_pandas1({"imgPath": ["a", "b"], "gender": cells}, tmp_path / "evil.pkl")
    with pytest.raises(RefusedPickle, match=r"\w+\.system"):
        load(tmp_path / "evil.pkl")
    assert not marker.exists()


def test_a_call_in_an_object_array_of_an_npz_is_refused(tmp_path):
    marker = tmp_path / "marker"
    np.savez(tmp_path / "evil.npz", good=np.ones(3), bad=np.array([Touch(marker)], dtype=object))
    archive = load_npz(tmp_path / "evil.npz")
    assert archive["good"].tolist() == [1, 1, 1]
    with pytest.raises(RefusedPickle, match=r"evil\.npz\[bad\] names \w+\.system"):
        archive["bad"]
    assert not marker.exists()


def test_a_call_in_an_npy_is_refused(tmp_path):
    marker = tmp_path / "marker"
    np.save(tmp_path / "evil.npy", {"trans": Touch(marker)}, allow_pickle=True)
    with pytest.raises(RefusedPickle, match=r"evil\.npy names \w+\.system"):
        load_npy(tmp_path / "evil.npy")
    assert not marker.exists()


def test_a_call_inside_the_bytes_of_a_tensor_is_refused(tmp_path):
    marker = tmp_path / "marker"
    payload = reduced(f"touch {marker}")
    raw = Encoder(4).encode(Call(Name("torch.storage", "_load_from_bytes"), (payload,)))
    (tmp_path / "evil.pkl").write_bytes(raw)
    with pytest.raises(RefusedPickle, match=r"evil\.pkl names \w+\.system"):
        load(tmp_path / "evil.pkl")
    assert not marker.exists()


def test_a_class_hidden_behind_copyreg_is_refused(tmp_path):
    parts = (Name("subprocess", "Popen"), Name("builtins", "object"), None)
    for name, args in (("_reconstructor", parts), ("__newobj__", parts[:1])):
        raw = Encoder(2).encode(Call(Name("copyreg", name), args))
        (tmp_path / "evil.pkl").write_bytes(raw)
        with pytest.raises(RefusedPickle, match=r"subprocess\.Popen"):
            load(tmp_path / "evil.pkl")


@pytest.mark.parametrize(
    "name",
    [
        *("builtins.getattr", "builtins.eval", "builtins.exec", "builtins.__import__"),
        *("builtins.open", "builtins.map", "builtins.type", "__builtin__.apply"),
        *("functools.partial", "operator.attrgetter", "types.CodeType", "importlib.import_module"),
        *("numpy.load", "numpy.fromfile", "numpy.core.multiarray.fromfile", "pandas.read_pickle"),
        *("torch.load", "torch.hub.load", "pickle.loads", "codecs.decode", "_codecs.decode"),
        *("copyreg.add_extension", "ehpsbench.restricted_pickle.load", "__main__.Evil"),
        *("scipy.io.loadmat", "pandas.eval", "collections.namedtuple", "dill._dill._eval_repr"),
    ],
)
def test_names_outside_the_table_are_refused_by_name(name, tmp_path):
    module, _, last = name.rpartition(".")
    for protocol in (2, 4):
        raw = Encoder(protocol).encode([Name(module, last)])
        (tmp_path / "evil.pkl").write_bytes(raw)
        with pytest.raises(RefusedPickle, match=rf"evil\.pkl names {name} "):
            load(tmp_path / "evil.pkl")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("numpy", "core.multiarray._reconstruct"),
        ("numpy.core", "multiarray._reconstruct"),
        ("numpy", "ndarray.__class__"),
        ("collections", "OrderedDict.__init__.__globals__"),
        ("builtins", "dict.__class__.__subclasses__"),
    ],
)
def test_a_dotted_name_does_not_walk_from_a_listed_class(module, name, tmp_path):
    (tmp_path / "evil.pkl").write_bytes(Encoder(4).encode(Name(module, name)))
    with pytest.raises(RefusedPickle, match=name):
        load(tmp_path / "evil.pkl")


def test_extension_codes_are_not_looked_up(tmp_path):
    marker = tmp_path / "marker"
    raw = b"\x80\x02\x82\xf0" + Encoder(2).encode((f"touch {marker}",))[2:-1] + b"R."
    (tmp_path / "evil.pkl").write_bytes(raw)
    copyreg.add_extension(SYSTEM.module, "system", 0xF0)
    try:
        with pytest.raises(InputError, match="0x82 is not a pickle opcode"):
            load(tmp_path / "evil.pkl")
    finally:
        copyreg.remove_extension(SYSTEM.module, "system", 0xF0)
    assert not marker.exists()


@pytest.mark.parametrize(
    "target",
    [Name("numpy", "ndarray"), Name("collections", "OrderedDict"), Name("pandas", "Index")],
)
def test_a_listed_class_itself_cannot_be_changed(target, tmp_path):
    raw = Encoder(4).encode(target)[:-1] + Encoder(4).encode({"build": 1})[2:-1] + b"b."
    (tmp_path / "evil.pkl").write_bytes(raw)
    with pytest.raises(InputError, match="takes no state"):
        load(tmp_path / "evil.pkl")


def test_flags_of_a_dtype_in_the_file_do_not_turn_bytes_into_addresses(tmp_path):
    flags = (3, "|", None, None, None, 8, 8, 0)  # an object dtype that claims to hold no objects
    dtype = Call(Name("numpy", "dtype"), ("O8", False, True), flags)
    state = (1, (2,), dtype, False, b"\x41" * 16)
    empty = (Name("numpy", "ndarray"), (0,), b"b")
    raw = Encoder(4).encode(Call(Name("numpy.core.multiarray", "_reconstruct"), empty, state))
    (tmp_path / "evil.pkl").write_bytes(raw)
    with pytest.raises(InputError, match="object array with the wrong number"):
        load(tmp_path / "evil.pkl")


def test_a_tensor_cannot_reach_beyond_its_memory(tmp_path):
    from ehpsbench.restricted_pickle import dump_cuda_tensors

    dump_cuda_tensors({"a": np.zeros(4, np.float32)}, tmp_path / "evil.pkl")
    raw = (tmp_path / "evil.pkl").read_bytes()
    shape = Encoder(4).encode((4,))[2:-1]
    (tmp_path / "evil.pkl").write_bytes(raw.replace(shape, shape.replace(b"\x04", b"\x64"), 1))
    with pytest.raises(InputError, match="larger than its memory"):
        load(tmp_path / "evil.pkl")


def test_objects_outside_the_file_are_not_fetched(tmp_path):
    (tmp_path / "evil.pkl").write_bytes(Encoder(2).encode(Persistent(("a",))))
    with pytest.raises(InputError, match="outside the file"):
        load(tmp_path / "evil.pkl")
