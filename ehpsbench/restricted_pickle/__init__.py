"""Pickles of strangers: arrays, frames, tensors and plain containers; everything else is refused.

No class of the pickle is imported, nothing in it is called: each global it names is looked up in
one table of inert stand-ins, and a name that is not there ends the reading.
"""

from ehpsbench.restricted_pickle.containers import load_npy, load_npz
from ehpsbench.restricted_pickle.reader import load
from ehpsbench.restricted_pickle.standins import Frame, SparseMatrix
from ehpsbench.restricted_pickle.writers import (
    dump_cuda_tensors,
    dump_frame_pandas1,
    dump_plain,
    dump_python2,
)

__all__ = [
    "Frame",
    "SparseMatrix",
    "dump_cuda_tensors",
    "dump_frame_pandas1",
    "dump_plain",
    "dump_python2",
    "load",
    "load_npy",
    "load_npz",
]
