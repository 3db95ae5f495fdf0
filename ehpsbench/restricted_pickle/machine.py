"""A pickle machine that has no way to run code: it reads opcodes and calls only listed builders.

Python's own unpickler imports what a file names, calls it and sets attributes. This one looks
(module, name) up in a table of our own builders; there is no import, attribute or call besides.
"""

from __future__ import annotations

import codecs
import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Constant", "Global", "Inert", "Lookup", "Machine", "Pending", "Refusal"]

Builder = Callable[[tuple[Any, ...]], Any]


class Refusal(Exception):
    """A name outside the table; the reader turns it into `RefusedPickle` with the file's name."""


@dataclass(frozen=True, slots=True)
class Global:
    """A listed class or function: its full name and, where it may be called, our builder."""

    name: str
    build: Builder | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A listed name that stands for a plain value, such as pandas.NA for None."""

    value: Any


@dataclass(frozen=True, slots=True)
class Inert:
    """What is left of an object whose content is of no use here: the name of its class."""

    name: str


@dataclass(slots=True, eq=False)
class Pending:
    """An object that gets its content with the BUILD opcode, and the memo slots that hold it."""

    finish: Callable[[Any], Any]
    slots: list[int] = field(default_factory=list)


Lookup = Callable[[str, str], Global | Constant]


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
            raise TypeError(f"{_shown(target)} cannot be called")
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
            raise TypeError(f"{_shown(target)} takes no state")

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
            raise TypeError(f"{_shown(target)} is not a list")

    def update(self, values: list[Any]) -> None:
        """Set keys and values, one after the other, in the dict on top of the stack."""
        target = self.stack[-1]
        if type(target) is dict:
            target.update(zip(values[::2], values[1::2], strict=True))
        elif type(target) is not Inert:
            raise TypeError(f"{_shown(target)} is not a dict")


def _shown(value: Any) -> str:
    return value.name if isinstance(value, Global | Inert) else type(value).__name__


def _decode_long(raw: bytes) -> int:
    return int.from_bytes(raw, "little", signed=True)


def _text_int(raw: bytes) -> int:
    """Protocol 0 writes True and False as 01 and 00."""
    return raw == b"01" if raw in (b"00", b"01") else int(raw)


def _quoted(machine: Machine) -> None:
    raw = machine.line().strip()
    if len(raw) < 2 or raw[:1] != raw[-1:] or raw[:1] not in b"\"'":
        raise ValueError("a string is not quoted")
    plain = codecs.escape_decode(raw[1:-1])[0]
    machine.stack.append(machine.text(plain))


def _global(machine: Machine) -> None:
    module = machine.line().decode()
    machine.find(module, machine.line().decode())


def _stack_global(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise TypeError("a class is named by something that is not text")
    machine.find(module, name)


def _reduce(machine: Machine) -> None:
    args, target = machine.stack.pop(), machine.stack.pop()
    machine.construct(target, args)


def _newobj_ex(machine: Machine) -> None:
    if machine.stack.pop() != {}:
        raise TypeError("keyword arguments are not supported")
    _reduce(machine)


def _inst(machine: Machine) -> None:
    args = tuple(machine.items())
    _global(machine)
    machine.construct(machine.stack.pop(), args)


def _obj(machine: Machine) -> None:
    target, *args = machine.items()
    machine.construct(target, tuple(args))


def _persistent(machine: Machine, key: Any) -> None:
    if machine.persistent is None:
        raise ValueError("it refers to objects outside the file")
    machine.stack.append(machine.persistent(key))


def _dup(machine: Machine) -> None:
    if type(machine.stack[-1]) is Pending:
        raise ValueError("an object contains itself")
    machine.stack.append(machine.stack[-1])


def _add_items(machine: Machine) -> None:
    values, target = machine.items(), machine.stack[-1]
    if type(target) is not set:
        raise TypeError(f"{_shown(target)} is not a set")
    target.update(values)


def _gather(count: int) -> Callable[[Machine], None]:
    def action(machine: Machine) -> None:
        if len(machine.stack) < count:
            raise IndexError("the stack is empty")
        values = tuple(machine.stack[len(machine.stack) - count :])
        del machine.stack[len(machine.stack) - count :]
        machine.stack.append(values)

    return action


def _dict_of(values: list[Any]) -> dict[Any, Any]:
    return dict(zip(values[::2], values[1::2], strict=True))


def _pushed(read: Callable[[Machine], Any]) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(read(machine))


def _sized(form: struct.Struct) -> Callable[[Machine], bytes]:
    return lambda machine: machine.take(machine.number(form))


def _utf8(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")


STOP: Final = ord(".")
_U1, _U2, _U4, _U8, _I4, _F8 = (struct.Struct(f) for f in ("<B", "<H", "<I", "<Q", "<i", ">d"))

# One character a row is the opcode as pickletools names it; protocols 0 to 5.
_TABLE: dict[str, Callable[[Machine], Any]] = {
    "(": lambda m: m.marks.append(len(m.stack)),
    "0": lambda m: m.stack.pop(),
    "1": lambda m: m.items(),
    "2": _dup,
    "F": _pushed(lambda m: float(m.line())),
    "I": _pushed(lambda m: _text_int(m.line())),
    "J": _pushed(lambda m: m.number(_I4)),
    "K": _pushed(lambda m: m.number(_U1)),
    "L": _pushed(lambda m: int(m.line().rstrip(b"L"))),
    "M": _pushed(lambda m: m.number(_U2)),
    "N": _pushed(lambda m: None),
    "P": lambda m: _persistent(m, m.line().decode()),
    "Q": lambda m: _persistent(m, m.stack.pop()),
    "R": _reduce,
    "S": _quoted,
    "T": _pushed(lambda m: m.text(m.take(m.number(_I4)))),
    "U": _pushed(lambda m: m.text(m.take(m.number(_U1)))),
    "V": _pushed(lambda m: m.line().decode("raw-unicode-escape")),
    "X": _pushed(lambda m: _utf8(m.take(m.number(_U4)))),
    "a": lambda m: m.extend([m.stack.pop()]),
    "b": lambda m: m.fill(),
    "c": _global,
    "d": _pushed(lambda m: _dict_of(m.items())),
    "}": _pushed(lambda m: {}),
    "e": lambda m: m.extend(m.items()),
    "g": lambda m: m.get(int(m.line())),
    "h": lambda m: m.get(m.number(_U1)),
    "i": _inst,
    "j": lambda m: m.get(m.number(_U4)),
    "l": _pushed(lambda m: m.items()),
    "]": _pushed(lambda m: []),
    "o": _obj,
    "p": lambda m: m.put(int(m.line())),
    "q": lambda m: m.put(m.number(_U1)),
    "r": lambda m: m.put(m.number(_U4)),
    "s": lambda m: m.update([*reversed((m.stack.pop(), m.stack.pop()))]),
    "t": _pushed(lambda m: tuple(m.items())),
    ")": _pushed(lambda m: ()),
    "u": lambda m: m.update(m.items()),
    "G": _pushed(lambda m: m.number(_F8)),
    "\x80": lambda m: m.take(1),
    "\x81": _reduce,
    "\x85": _gather(1),
    "\x86": _gather(2),
    "\x87": _gather(3),
    "\x88": _pushed(lambda m: True),
    "\x89": _pushed(lambda m: False),
    "\x8a": _pushed(lambda m: _decode_long(m.take(m.number(_U1)))),
    "\x8b": _pushed(lambda m: _decode_long(m.take(m.number(_I4)))),
    "B": _pushed(_sized(_U4)),
    "C": _pushed(_sized(_U1)),
    "\x8c": _pushed(lambda m: _utf8(m.take(m.number(_U1)))),
    "\x8d": _pushed(lambda m: _utf8(m.take(m.number(_U8)))),
    "\x8e": _pushed(_sized(_U8)),
    "\x8f": _pushed(lambda m: set()),
    "\x90": _add_items,
    "\x91": _pushed(lambda m: frozenset(m.items())),
    "\x92": _newobj_ex,
    "\x93": _stack_global,
    "\x94": lambda m: m.put(len(m.memo)),
    "\x95": lambda m: m.take(8),
    "\x96": _pushed(lambda m: bytearray(m.take(m.number(_U8)))),
    "\x98": lambda m: None,
}
ACTIONS: Final = {ord(code): action for code, action in _TABLE.items()}
