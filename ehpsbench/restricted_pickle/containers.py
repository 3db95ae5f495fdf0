"""Builders for Python's own containers and for dict-like classes that releases use."""

from __future__ import annotations

from typing import Any

from ehpsbench.restricted_pickle.names import Constant, Global

__all__ = ["TABLE"]

TEXT_CODECS = {"latin1", "latin-1", "iso-8859-1", "ascii", "utf-8", "utf8"}


def _encoded(args: tuple[Any, ...]) -> bytes:
    """`_codecs.encode`: how Python 3 writes bytes in protocol 2; text codecs only."""
    text, codec = args if len(args) == 2 else (*args, "utf-8")
    if type(text) is not str or str(codec).lower() not in TEXT_CODECS:
        raise TypeError("_codecs.encode is read for text and a text encoding only")
    return text.encode(codec)


def _raw(args: tuple[Any, ...]) -> bytes:
    """`bytes` and `bytearray`; a bare number, which would allocate that much, is refused."""
    match args:
        case ():
            return b""
        case (str() as text, str() as codec) if codec.lower() in TEXT_CODECS:
            return text.encode(codec)
        case (bytes() | bytearray() | list() | tuple() as values,):
            return bytes(values)
    raise TypeError("bytes of something that is neither bytes nor text")


def _mapping(args: tuple[Any, ...]) -> dict[Any, Any]:
    """OrderedDict, defaultdict, EasyDict: a plain dict (which keeps its order)."""
    pairs = [value for value in args if isinstance(value, list | tuple | dict)]
    return dict(pairs[0]) if pairs else {}


def _set(args: tuple[Any, ...]) -> set[Any]:
    return set(_values(args))


def _frozenset(args: tuple[Any, ...]) -> frozenset[Any]:
    return frozenset(_values(args))


def _values(args: tuple[Any, ...]) -> list[Any]:
    match args:
        case ():
            return []
        case (list() | tuple() | set() | frozenset() as values,):
            return list(values)
    raise TypeError("a container of something that is not a list")


def _complex(args: tuple[Any, ...]) -> complex:
    real, imaginary = args
    return complex(float(real), float(imaginary))


def _whole(args: tuple[Any, ...], optional: bool) -> list[Any]:
    for value in args:
        if type(value) is not int and not (optional and value is None):
            raise TypeError("a range of something that is not a whole number")
    return list(args)


def _slice(args: tuple[Any, ...]) -> slice:
    return slice(*_whole(args, optional=True))


def _range(args: tuple[Any, ...]) -> range:
    return range(*_whole(args, optional=False))


def _instance(args: tuple[Any, ...]) -> Any:
    """`copyreg._reconstructor(class, base, state)`: an empty object of protocol 0 or 1."""
    kind = args[0]
    if not isinstance(kind, Global) or kind.build is None:
        raise TypeError("copyreg names something that is not a listed class")
    content = args[2:] if isinstance(args[-1], dict | list) else ()
    return kind.build(content)


def _new(args: tuple[Any, ...]) -> Any:
    kind = args[0]
    if not isinstance(kind, Global) or kind.build is None:
        raise TypeError("copyreg names something that is not a listed class")
    return kind.build(args[1:])


def _table() -> dict[tuple[str, str], Global | Constant]:
    builders = {
        "set": _set,
        "frozenset": _frozenset,
        "complex": _complex,
        "slice": _slice,
        "range": _range,
        "xrange": _range,
        "bytes": _raw,
        "bytearray": lambda args: bytearray(_raw(args)),
        "dict": _mapping,
        "list": _values,
        "tuple": lambda args: tuple(_values(args)),
        "object": None,
        "int": None,
        "float": None,
    }
    table: dict[tuple[str, str], Global | Constant] = {
        (module, name): Global(f"builtins.{name}", build)
        for module in ("builtins", "__builtin__")
        for name, build in builders.items()
    }
    for module, name in (
        ("collections", "OrderedDict"),
        ("collections", "defaultdict"),
        ("easydict", "EasyDict"),
    ):
        table[module, name] = Global(f"{module}.{name}", _mapping)
    for module in ("copyreg", "copy_reg"):
        table[module, "_reconstructor"] = Global("copyreg._reconstructor", _instance)
        table[module, "__newobj__"] = Global("copyreg.__newobj__", _new)
    table["_codecs", "encode"] = Global("_codecs.encode", _encoded)
    return table


TABLE = _table()
