"""The page of metrics says what the cards and the protocols say."""

from __future__ import annotations

from pathlib import Path

from ehpsbench.evaluation import protocol
from ehpsbench.evaluation.metrics_page import metrics_of, protocols_of_metrics
from ehpsbench.metrics.page import page


def test_the_page_of_metrics_is_what_the_cards_and_protocols_say() -> None:
    written = Path(__file__).parents[2] / "docs" / "metrics.md"
    assert written.read_text(encoding="utf-8") == page(protocols_of_metrics()), (
        "python -m ehpsbench.evaluation.metrics_page > docs/metrics.md"
    )


def test_every_protocol_asks_for_a_metric_and_some_metrics_are_called_from_python_alone() -> None:
    found = protocols_of_metrics()
    assert all(metrics_of(protocol.protocol(name)) for name in protocol.names())
    assert found["normals_per_image"] == ["normals-per-image"]
    assert found["pck"] == ["hint-pck"]
    assert found["jitter"] == found["silhouette_iou"] == []


def test_mpjpe_of_hands_is_asked_for_by_smplestx_s_protocol_alone() -> None:
    def names(protocol_name: str) -> set[str]:
        return set(protocol.protocol(protocol_name).number_facts())

    with_hands = {name for name in protocol.names() if "mpjpe_hands" in names(name)}
    assert with_hands == {"ehf-smplestx-compat"}
