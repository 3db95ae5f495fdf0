"""docs/metrics.md: the cards of metrics, and which protocols ask for each.

`python -m ehpsbench.evaluation.metrics_page > docs/metrics.md` writes it.
"""

from __future__ import annotations

from ehpsbench.evaluation import protocol
from ehpsbench.evaluation.keypoints2d.rules import Keypoints2dProtocol
from ehpsbench.evaluation.mesh.rules import MeshProtocol
from ehpsbench.evaluation.normals.rules import NormalsProtocol
from ehpsbench.evaluation.protocol import Protocol
from ehpsbench.metrics import catalogue
from ehpsbench.metrics.page import page


def metrics_of(rules: Protocol) -> tuple[str, ...]:
    """Names of the metrics that a protocol's numbers are made by."""
    if isinstance(rules, MeshProtocol):
        return tuple(dict.fromkeys(error.metric for error in rules.errors))
    if isinstance(rules, Keypoints2dProtocol):
        return ("pck",) if rules.detections is None else ("keypoint_ap", "oks")
    if isinstance(rules, NormalsProtocol):
        return ("normals",) if rules.averaging == "pixels" else ("normals_per_image",)
    return (rules.task,)


def protocols_of_metrics() -> dict[str, list[str]]:
    """Of every metric the protocols that ask for it, by name; none for what Python calls alone."""
    found: dict[str, list[str]] = {metric: [] for metric in catalogue.names()}
    for name in protocol.names():
        for metric in metrics_of(protocol.protocol(name)):
            found[metric].append(name)
    return found


if __name__ == "__main__":
    print(page(protocols_of_metrics()), end="")
