"""Read the pickles, .npz and .npy files of strangers without running anything in them."""

from ehpsbench.restricted_pickle.frames import Frame
from ehpsbench.restricted_pickle.names import Inert
from ehpsbench.restricted_pickle.npz import Archive, load_npy, load_npz
from ehpsbench.restricted_pickle.reader import load
from ehpsbench.restricted_pickle.sparse import SparseMatrix
from ehpsbench.restricted_pickle.writers import (
    dump_cuda_tensors,
    dump_frame_pandas1,
    dump_plain,
    dump_python2,
)

__all__ = [
    "Archive",
    "Frame",
    "Inert",
    "SparseMatrix",
    "dump_cuda_tensors",
    "dump_frame_pandas1",
    "dump_plain",
    "dump_python2",
    "load",
    "load_npy",
    "load_npz",
]
