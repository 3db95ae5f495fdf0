"""NASA's CDF: as its own library writes it, packed or not, by rows or columns, cut off."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import cdflib
import numpy as np
import pytest

from ehpsbench.dataset_adapters.readers.cdf import cdf_variable
from ehpsbench.dataset_adapters.readers.cdf_sample import save_cdf
from ehpsbench.errors import InputError, MissingFiles

VALUES = np.random.default_rng(0).standard_normal((2, 5, 6))
VALUES[:, 2] = 0
KINDS = list(product((0, 5), (0, 6), ("row_major", "column_major"), (1, 6), (21, 45), "zr"))


@pytest.mark.parametrize(("file", "variable", "order", "encoding", "kind", "of"), KINDS)
def test_a_variable_is_what_cdflib_reads(
    tmp_path: Path, file: int, variable: int, order: str, encoding: int, kind: int, of: str
) -> None:
    path = tmp_path / "a.cdf"
    head = {"Compressed": file, "Majority": order, "Encoding": encoding, "rDim_sizes": [5, 6]}
    written = cdflib.cdfwrite.CDF(path, cdf_spec=head)
    more = {"Num_Elements": 1, "Rec_Vary": True}
    other = {"Variable": "Other", "Data_Type": 45, "Dim_Sizes": [2], **more}
    written.write_var(other, var_data=np.ones((1, 2)))
    spec = {"Variable": "Pose", "Data_Type": kind, "Var_Type": f"{of}Variable", **more}
    spec |= {"Compress": variable, "Dim_Sizes": [5, 6], "Dim_Vary": [True, True]}
    written.write_var(spec, var_data=VALUES.astype(np.float32 if kind == 21 else np.float64))
    written.close()
    expected = np.asarray(cdflib.CDF(path).varget("Pose"))
    np.testing.assert_array_equal(cdf_variable(path, "Pose"), expected.reshape(2, 5, 6))


@pytest.mark.parametrize("packed", [True, False])
def test_what_is_written_for_miniatures_is_read_by_us_and_by_cdflib(
    tmp_path: Path, packed: bool
) -> None:
    path = tmp_path / "a.cdf"
    save_cdf(path, "Pose", VALUES, packed=packed)
    single = VALUES.astype(np.float32)
    np.testing.assert_array_equal(cdf_variable(path, "Pose"), single)
    np.testing.assert_array_equal(cdflib.CDF(path).varget("Pose"), single)


def test_what_is_no_cdf_or_lacks_the_variable_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.cdf"
    with pytest.raises(MissingFiles, match=r"a\.cdf is not there"):
        cdf_variable(path, "Pose")
    save_cdf(path, "Pose", VALUES)
    with pytest.raises(InputError, match=r"a\.cdf cannot be read \(KeyError: 'Else'\)"):
        cdf_variable(path, "Else")
    whole = path.read_bytes()
    for cut in (b"", b"no CDF at all", whole[:400], whole[:-9]):
        path.write_bytes(cut)
        with pytest.raises(InputError, match=r"a\.cdf cannot be read"):
            cdf_variable(path, "Pose")
