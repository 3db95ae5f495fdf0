"""Which body set labels belong to: the open body for miniatures, licensed models for releases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import BodyMismatch, MissingBody
from ehpsbench.store import Store

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


def bodies_for(
    release: Release, body_models: Path | None, units: Sequence[Unit] | None = None
) -> BodySet | None:
    """The body set that a release's labels belong to; None where it needs none and none is here.

    Args:
        release: what is read.
        body_models: folder of licensed body models.
        units: of the release, some of which may need other models than the card says; None: what
            the card says.

    Raises:
        MissingBody: the camera chain needs a model that is not at hand; lists the files.
        BodyMismatch: a miniature release was made with another open body.
    """
    from ehpsbench.body.bodies import find_bodies, open_bodies

    sample = release.sample()
    if sample is not None:
        bodies = open_bodies("small" if sample["body"] == "open-small" else "full")
        if bodies.id != sample["body_set"]:
            raise BodyMismatch(
                f"{release.root} was made with open body {sample['body_set'][:12]}, this ehpsbench "
                f"ships {bodies.id[:12]}. Make the sample again."
            )
        return bodies
    licensed = find_bodies(body_models)
    needs = _needs(release, units)
    if licensed is None:
        if not needs:
            return None
        wanted = "\n".join(f"  {role}" for role in needs)
        raise MissingBody(
            f"{release.card.title} needs licensed body models to bring its people into the camera "
            f"frame:\n{wanted}\nGive their folder with --body-models or EHPSBENCH_BODY_MODELS "
            "(smplx/SMPLX_NEUTRAL.npz, smpl/SMPL_MALE.pkl, mano/MANO_RIGHT.pkl, …). The open body "
            "cannot stand in: betas do not carry over between bodies."
        )
    for role in needs:
        family, gender = role.split("/")
        licensed.model(family, gender)
    return licensed


def _needs(release: Release, units: Sequence[Unit] | None) -> tuple[str, ...]:
    card = release.card.body.needs
    if units is None:
        return card
    roles = [card if unit.needs is None else unit.needs for unit in units]
    return tuple(dict.fromkeys(role for of_unit in roles for role in of_unit))


def bodies_of_rows(store: Store, datasets: Sequence[str], body_models: Path | None) -> BodySet:
    """The body set that the stored rows of some datasets belong to.

    Args:
        store: with the datasets.
        datasets: names in it.
        body_models: folder of licensed body models, for rows that were read with such.

    Raises:
        BodyMismatch: the datasets were read with different body sets, or the one at hand differs.
        MissingBody: the rows were read with models that are not at hand, or with none.
    """
    from ehpsbench.body.bodies import find_bodies, open_bodies

    named = {name: store.manifest(name)["body_set"] for name in datasets}
    sets = {found["id"]: found["name"] for found in named.values() if found}
    if len(sets) > 1:
        words = ", ".join(f"{n}: {b['name']} ({b['id'][:12]})" for n, b in named.items() if b)
        raise BodyMismatch(f"These datasets were read with different body sets: {words}.")
    for wanted, label in sets.items():
        shipped = {"open": "full", "open-small": "small"}
        size = shipped.get(label)
        bodies = open_bodies(size) if size else find_bodies(body_models)
        if bodies is None:
            raise MissingBody(
                f"The rows of {', '.join(named)} belong to the body set {label} ({wanted[:12]}); "
                "give its folder with --body-models or EHPSBENCH_BODY_MODELS."
            )
        if bodies.id != wanted:
            raise BodyMismatch(
                f"The rows of {', '.join(named)} belong to the body set {label} ({wanted[:12]}), "
                f"the one at hand is {bodies.name} ({bodies.id[:12]}). Use that, or ingest again."
            )
        return bodies
    raise MissingBody(
        f"{', '.join(named)} was read without body models; ingest it again with --body-models."
    )
