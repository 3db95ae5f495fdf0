"""A pickle machine that has no way to run code: it reads opcodes and calls only listed builders.

Python's own unpickler imports what a file names, calls it and sets attributes. This one looks
(module, name) up in a table of our own builders; there is no import, attribute or call besides.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from typing import Any

from ehpsbench.restricted_pickle.names import Constant, Global, Inert, Lookup, Pending, shown
from ehpsbench.restricted_pickle.opcodes import ACTIONS, STOP

__all__ = ["Machine"]


class Machine:
    """Reads one pickle from `data`, from byte `at` on; afterwards `at` is the byte behind it."""

    def __init__(
        self,
        data: bytes | mmap.mmap,
        lookup: Lookup,
        *,
        encoding: str = "ASCII",
        at: int = 0,
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        self.data, self.size, self.at = data, len(data), at
        self.lookup, self.encoding, self.persistent = lookup, encoding, persistent
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.unfinished = 0

    def run(self) -> Any:
        """The object that the pickle holds.

        Raises:
            Refusal: it names a class or function outside the table.
            ValueError, TypeError, LookupError, …: it is truncated or damaged near byte `at`.
        """
        data, size, actions = self.data, self.size, ACTIONS
        while self.at < size:
            code = data[self.at]
            self.at += 1
            if code == STOP:
                return self.result()
            action = actions.get(code)
            if action is None:
                raise ValueError(f"0x{code:02x} is not a pickle opcode")
            action(self)
        raise EOFError("the pickle does not end")

    def result(self) -> Any:
        """What is left on the stack at the end."""
        value = self.stack.pop()
        if self.unfinished:
            raise ValueError("an object is left without its content")
        return value

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self.at + count
        if count < 0 or end > self.size:
            raise EOFError(f"{count} more bytes were expected, {self.size - self.at} are left")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def line(self) -> bytes:
        """The bytes up to the next line feed, without it."""
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise EOFError("a line of text does not end")
        taken = self.data[self.at : end]
        self.at = end + 1
        return taken

    def number(self, form: struct.Struct) -> Any:
        """One number in a fixed binary form."""
        return form.unpack(self.take(form.size))[0]

    def items(self) -> list[Any]:
        """What stands above the last mark; takes it and the mark off the stack."""
        start = self.marks.pop()
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def text(self, raw: bytes) -> str | bytes:
        """A Python 2 byte string in the encoding that the caller chose."""
        if self.encoding == "bytes":
            return raw
        try:
            return raw.decode(self.encoding)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"a Python 2 byte string is not {self.encoding}; read it with encoding='latin1'"
            ) from error

    def find(self, module: str, name: str) -> None:
        """Push what the table holds for a name; `Refusal` if it holds nothing."""
        found = self.lookup(module, name)
        self.stack.append(found.value if isinstance(found, Constant) else found)

    def construct(self, target: Any, args: Any) -> None:
        """Push what the builder of a listed name makes of the arguments."""
        if not isinstance(target, Global) or target.build is None or type(args) is not tuple:
            raise TypeError(f"{shown(target)} cannot be called")
        value = target.build(args)
        if type(value) is Pending:
            self.unfinished += 1
        self.stack.append(value)

    def fill(self) -> None:
        """BUILD: give the pending object its content, on the stack and in the memo."""
        state, target = self.stack.pop(), self.stack[-1]
        if type(target) is Pending:
            value = target.finish(state)
            for slot in target.slots:
                self.memo[slot] = value
            self.stack[-1] = value
            self.unfinished -= 1
        elif type(target) not in (dict, Inert):
            raise TypeError(f"{shown(target)} takes no state")

    def put(self, slot: int) -> None:
        """Remember the top of the stack."""
        value = self.stack[-1]
        if type(value) is Pending:
            value.slots.append(slot)
        self.memo[slot] = value

    def get(self, slot: int) -> None:
        """Push what was remembered; an object that contains itself is not data we read."""
        value = self.memo[slot]
        if type(value) is Pending:
            raise ValueError("an object contains itself")
        self.stack.append(value)

    def extend(self, values: list[Any]) -> None:
        """Append to the list on top of the stack."""
        target = self.stack[-1]
        if type(target) is list:
            target.extend(values)
        elif type(target) is not Inert:
            raise TypeError(f"{shown(target)} is not a list")

    def update(self, values: list[Any]) -> None:
        """Set keys and values, one after the other, in the dict on top of the stack."""
        target = self.stack[-1]
        if type(target) is dict:
            target.update(zip(values[::2], values[1::2], strict=True))
        elif type(target) is not Inert:
            raise TypeError(f"{shown(target)} is not a dict")
