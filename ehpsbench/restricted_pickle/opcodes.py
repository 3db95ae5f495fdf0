"""What each opcode of pickle protocols 0 to 5 does to the machine."""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ehpsbench.restricted_pickle.names import Pending, shown

if TYPE_CHECKING:
    from ehpsbench.restricted_pickle.machine import Machine

__all__ = ["ACTIONS", "STOP"]


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
        raise TypeError(f"{shown(target)} is not a set")
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
