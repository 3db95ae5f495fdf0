"""Options that several verbs share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", help="Folder of the store.", show_default="EHPSBENCH_STORE or ./ehps-store"
    ),
]
BodyModelsOption = Annotated[
    Path | None,
    typer.Option(
        "--body-models",
        help="Folder of licensed body models (smplx/SMPLX_NEUTRAL.npz, smpl/…, mano/…).",
        show_default="EHPSBENCH_BODY_MODELS",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
