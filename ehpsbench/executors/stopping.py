"""SIGTERM ends what spreads work as Ctrl-C does: its workers save their states first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ehpsbench.errors import Stopped


@contextmanager
def stops_on_sigterm() -> Iterator[None]:
    """In the block SIGTERM raises `Stopped`; a second one ends the process at once."""
    before = signal.getsignal(signal.SIGTERM)

    def asked(number: int, _: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, before)
        raise Stopped("Stopped. What is done stays; the same command goes on.", number)

    signal.signal(signal.SIGTERM, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
