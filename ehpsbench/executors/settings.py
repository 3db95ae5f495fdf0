"""How work is spread: a name with a few flags, or a TOML file with all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from ehpsbench.definitions import Definition, read_definition
from ehpsbench.errors import UnknownName

Kind = Literal["local", "here", "slurm", "ray"]
Positive = Annotated[int, Field(gt=0)]


class Settings(Definition):
    """One file for all executors; each reads the fields that concern it."""

    executor: Kind = "local"
    workers: Positive | None = Field(
        default=None,
        description="pieces of work at once; local: default one a GPU, else one; slurm, ray: all",
    )
    gpus: float | None = Field(
        default=None,
        ge=0,
        description="of each piece; default: local, ray: one where there are some, slurm: none; "
        "local: 0 hides them",
    )
    cpus: Positive | None = Field(
        default=None,
        description="cores of each; local: default all for one worker, 1 for each of several",
    )
    memory_gb: float | None = Field(default=None, gt=0, description="of each; slurm, ray")
    partition: str | None = Field(default=None, description="slurm")
    account: str | None = Field(default=None, description="slurm")
    qos: str | None = Field(default=None, description="slurm")
    minutes: Positive = Field(default=24 * 60, description="time limit of a job; slurm")
    setup: tuple[str, ...] = Field(default=(), description="shell lines before each job; slurm")
    extra: dict[str, str | int | float | bool] = Field(
        default={}, description="other #SBATCH options by name; slurm"
    )
    cluster: Literal["slurm", "local", "debug"] = Field(
        default="slurm", description="what submitit submits to; local, debug try it without Slurm"
    )
    address: str | None = Field(
        default=None, description="of a Ray cluster; default: RAY_ADDRESS, else one of its own"
    )
    grace_seconds: float = Field(
        default=60, ge=0, description="local: to save its state in, for what is told to stop"
    )


def settings(name_or_path: str | Path, **flags: Any) -> Settings:
    """The settings of that name, or in that TOML file.

    Args:
        name_or_path: local, here, slurm or ray; or a .toml file.
        **flags: fields that go before those of the file, unless None.

    Raises:
        UnknownName: no executor is called so.
        InputError: the file is broken, or a field is unknown or out of range.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if Path(name_or_path).suffix == ".toml":
        found = read_definition(Settings, Path(name_or_path), "executor")
        return Settings.model_validate(found.model_dump() | given)
    if name_or_path not in get_args(Kind):
        raise UnknownName.of("executor", str(name_or_path), get_args(Kind))
    return Settings.model_validate({"executor": name_or_path} | given)
