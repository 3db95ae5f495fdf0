"""How the fixtures beside this file were made: `python make.py WHAT` in a fresh environment each.

pandas1: pandas 1.5.3, numpy 1.26.4; pandas2: pandas 2.2.3, numpy 2.2.6; pandas3: pandas 3.1.1.
torch: torch 2.13.0; scipy: scipy 1.11.4, numpy 1.26.4; chumpy: chumpy 0.70, numpy 1.26.4.
"""

import copyreg
import inspect
import pickle
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def frames(label: str) -> None:
    import pandas as pd

    people = [["male", "female"], ["male"], []]
    values = np.float32(0.5) + np.arange(3, dtype=np.float32)
    table = pd.DataFrame(
        {
            "imgPath": ["a.png", "b.png", "c.png"],
            "camX": [1.5, -2.5, 0.0],
            "camYaw": [90.0, 0.0, 45.0],
            "shard": [1, 2, 3],
            "indoor": [True, False, True],
            "gender": people,
            "joints": [
                [np.full((2, 3), v, np.float32) for _ in p]
                for v, p in zip(values, people, strict=True)
            ],
        }
    )
    odd = pd.DataFrame(
        {
            "category": pd.Categorical(["x", "y", None]),
            "text": pd.array(["a", None, "ü"], dtype="string"),
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "day": pd.to_datetime(["2021-06-19", "2021-06-20", "2021-06-21"]),
        }
    )
    odd.index = pd.MultiIndex.from_tuples([("s", 1), ("s", 2), ("t", 1)])
    table.to_pickle(HERE / f"frame_{label}.pkl")
    odd.to_pickle(HERE / f"odd_{label}.pkl")
    table[table.indoor].set_index("imgPath").to_pickle(HERE / f"indexed_{label}.pkl")
    table["camX"].to_pickle(HERE / f"series_{label}.pkl")
    if label == "pandas1":
        old_layout(table)


def old_layout(table: object) -> None:
    """The block manager's state as pandas 1.0 to 1.2 wrote it; pandas 1.5.3 still reads it."""
    import pandas as pd
    from pandas.core.internals.managers import BlockManager

    class Old(pickle.Pickler):
        def reducer_override(self, value: object) -> object:
            if not isinstance(value, BlockManager):
                return NotImplemented
            axes = list(value.axes)
            blocks = [{"values": b.values, "mgr_locs": b.mgr_locs.indexer} for b in value.blocks]
            items = [axes[0][b.mgr_locs.indexer] for b in value.blocks]
            extra = {"0.14.1": {"axes": axes, "blocks": blocks}}
            state = (axes, [b.values for b in value.blocks], items, extra)
            return copyreg.__newobj__, (BlockManager,), state

    with (HERE / "frame_pandas1_old.pkl").open("wb") as stream:
        Old(stream, 4).dump(table)
    pd.testing.assert_frame_equal(pd.read_pickle(HERE / "frame_pandas1_old.pkl"), table)


def tensors() -> None:
    import torch

    values = {
        "betas": torch.arange(6.0).reshape(1, 6),
        "turned": torch.arange(6).reshape(2, 3).t(),
        "part": torch.arange(10, dtype=torch.uint8)[3:5],
        "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        "number": torch.tensor(3.0),
        "weight": torch.nn.Parameter(torch.ones(2)),
    }
    for protocol in (2, 4):
        (HERE / f"tensor_{protocol}.pkl").write_bytes(pickle.dumps(values, protocol))
    # The tag of a CUDA tensor, put on a CPU tensor: the stream differs in nothing else.
    torch.serialization.register_package(1, lambda storage: "cuda:0", lambda storage, tag: storage)
    (HERE / "tensor_cuda.pkl").write_bytes(pickle.dumps(values, 4))


def matrices() -> None:
    from scipy import sparse

    dense = np.array([[0, 1.5, 0], [2, 0, 0]])
    made = {
        f"{form}_{kind}": getattr(sparse, f"{form}_{kind}")(dense)
        for form in ("csc", "csr", "coo")
        for kind in ("matrix", "array")
    }
    (HERE / "sparse.pkl").write_bytes(pickle.dumps(made, 2))


def autodiff() -> None:
    # chumpy needs names that Python 3.11 and NumPy 1.24 dropped.
    inspect.getargspec = inspect.getfullargspec
    for name, kind in {"bool": bool, "int": int, "float": float, "complex": complex}.items():
        setattr(np, name, kind)
    for name, kind in {"object": object, "str": str, "unicode": str}.items():
        setattr(np, name, kind)
    import chumpy

    whole = chumpy.array(np.arange(12.0).reshape(3, 4))
    (HERE / "chumpy.pkl").write_bytes(pickle.dumps({"whole": whole, "part": whole[1:, :2]}, 2))


if __name__ == "__main__":
    what = sys.argv[1]
    makers = {"torch": tensors, "scipy": matrices, "chumpy": autodiff}
    makers[what]() if what in makers else frames(what)
