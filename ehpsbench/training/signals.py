"""SIGTERM and Ctrl-C ask a run to save and end, rather than end it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_ASKING = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class Request:
    """Whether somebody asked to stop, and by which signal."""

    signal: int | None = None


@contextmanager
def stop_requests(say: Callable[[str], None]) -> Iterator[Request]:
    """Listens for both signals; the second one ends the process as it always did.

    Only the main thread can listen; elsewhere the request is never made.
    """
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in _ASKING}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def asked(number: int, frame: FrameType | None) -> None:
        request.signal = number
        restore()
        say("Asked to stop: saving after this step. Ask again to stop at once.")

    for number in _ASKING:
        signal.signal(number, asked)
    try:
        yield request
    finally:
        restore()
