"""NASA's Common Data Format (.cdf, versions 2.6 to 3), by the layout that NASA publishes.

One variable of real numbers is read; files in several parts, sparse records and the numbers of VAX
are not. Nothing is unpacked beyond what the file says that the variable has.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles

__all__ = ["cdf_variable"]

OFFSETS = {0xCDF30001: "q", 0xCDF26002: "i"}  # of a version: how an offset is written
NAMES = {"q": 256, "i": 64}  # bytes of a name
WHOLE, SQUEEZED = 0x0000FFFF, 0xCCCC0001
REALS = {21: "f4", 22: "f8", 44: "f4", 45: "f8"}
BIG, LITTLE = frozenset((1, 2, 5, 7, 9, 11, 12, 18)), frozenset((4, 6, 13, 17))
GDR, R_VDR, VXR, VVR, Z_VDR, CPR, CCR, CVVR = 2, 3, 6, 7, 8, 11, 10, 13
GZIP, ZEROS = 5, 1  # kinds of compression
ROWS, ONE_FILE = 1, 2  # bits of the flags of a file
PACKED = 4  # bit of the flags of a variable
MOST = 2**28  # bytes of a file or a variable, unpacked
MOST_RECORDS = 100_000  # of an index, or variables
BROKEN = (ValueError, KeyError, IndexError, struct.error, zlib.error, OverflowError, MemoryError)


def cdf_variable(path: Path, name: str) -> NDArray[np.float64]:
    """The numbers of a variable of a file, (records, …).

    Raises:
        MissingFiles: the file is not there.
        InputError: it is no such file, is cut off, or lacks the variable.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingFiles(f"{path} is not there; is the release complete?") from error
    try:
        return _Cdf.of(content).variable(name)
    except BROKEN as error:
        raise InputError(
            f"{path} cannot be read ({type(error).__name__}: {error}). Expected a CDF file with "
            f"the real numbers {name}."
        ) from error


@dataclass(frozen=True, slots=True)
class _Cdf:
    """An unpacked file; `at` is how it writes offsets (q: 8 bytes, i: 4)."""

    data: bytes
    at: str

    @classmethod
    def of(cls, content: bytes) -> _Cdf:
        """The file, unpacked if it is compressed as a whole."""
        version, form = struct.unpack_from(">II", content)
        file = cls(content, OFFSETS[version])
        if form == SQUEEZED:
            place, size, _ = file.fields(8, CCR, "@@i")
            start = 8 + file.length("@i@@i")
            whole = file.unpacked(place, content[start:], size)
            return cls(content[:8] + whole, file.at)
        if form != WHOLE:
            raise ValueError(f"form {form:#x}")
        return file

    def length(self, form: str) -> int:
        """Bytes of fields; @ is an offset."""
        return struct.calcsize(">" + form.replace("@", self.at))

    def fields(self, place: int, kind: int, form: str) -> tuple[int, ...]:
        """The fields of a record after its size and kind."""
        if place < 8:
            raise ValueError(f"a record at {place}")
        _, found, *values = struct.unpack_from(
            ">" + ("@i" + form).replace("@", self.at), self.data, place
        )
        if found != kind:
            raise ValueError(f"record {found} at {place}, expected {kind}")
        return tuple(values)

    def variable(self, name: str) -> NDArray[np.float64]:
        """All records of a variable, (records, …)."""
        general, _, _, encoding, flags = self.fields(8, 1, "@iiii")
        if not flags & ONE_FILE or encoding not in BIG | LITTLE:
            raise ValueError(f"flags {flags}, encoding {encoding}")
        place, kind, shared = self._found(general, name)
        form = "@ii@@iiiiiii@i"
        _, dtype, last, index, _, bits, sparse, *_, packing, _ = self.fields(place, kind, form)
        if sparse:
            raise ValueError(f"{name} has sparse records")
        shape = self._shape(place + self.length(f"@i{form}") + NAMES[self.at], kind, shared)
        number = np.dtype((">" if encoding in BIG else "<") + REALS[dtype])
        record = prod(shape) * number.itemsize
        if last < -1 or record <= 0 or (last + 1) * record > MOST:
            raise ValueError(f"{name} has {last + 1} records of {record} bytes")
        packs = packing if bits & PACKED else 0
        pieces = dict(self._pieces(index, packs, record, last))
        values = np.frombuffer(b"".join(pieces[first] for first in sorted(pieces)), number)
        rows = values.reshape(last + 1, *(shape if flags & ROWS else shape[::-1]))
        if not flags & ROWS:
            rows = rows.transpose(0, *range(len(shape), 0, -1))
        return rows.astype(np.float64)

    def _found(self, general: int, name: str) -> tuple[int, int, tuple[int, ...]]:
        """Where a variable is described, of which kind, and the shape that r variables share."""
        form = "@@@@iiiii@iii"
        r_head, z_head, *_, sides, _, _, _, _, _ = self.fields(general, GDR, form)
        shared = self._integers(general + self.length(f"@i{form}"), sides)
        seen: set[int] = set()
        for kind, place in ((Z_VDR, z_head), (R_VDR, r_head)):
            while place > 0 and place not in seen and len(seen) < MOST_RECORDS:
                seen.add(place)
                (after,) = self.fields(place, kind, "@")
                start = place + self.length("@i@ii@@iiiiiii@i")
                called = self.data[start : start + NAMES[self.at]].split(b"\0")[0]
                if called.rstrip() == name.encode():
                    return place, kind, shared
                place = after
        raise KeyError(name)

    def _shape(self, place: int, kind: int, shared: tuple[int, ...]) -> tuple[int, ...]:
        """Of a record; sides that do not vary count once."""
        if kind == Z_VDR:
            (sides,) = self._integers(place, 1)
            shared = self._integers(place + 4, sides)
            place += 4 + 4 * sides
        varies = self._integers(place, len(shared))
        return tuple(side if flag else 1 for side, flag in zip(shared, varies, strict=True))

    def _integers(self, place: int, count: int) -> tuple[int, ...]:
        if not 0 <= count <= 10:
            raise ValueError(f"{count} dimensions")
        found: tuple[int, ...] = struct.unpack_from(f">{count}i", self.data, place)
        return found

    def _pieces(
        self, index: int, packs: int, record: int, last: int
    ) -> Iterator[tuple[int, bytes]]:
        """First record and bytes of each run of records that an index leads to."""
        waiting = [index]
        seen: set[int] = set()
        while waiting:
            place = waiting.pop()
            if place <= 0 or place in seen or len(seen) > MOST_RECORDS:
                continue
            seen.add(place)
            after, entries, used = self.fields(place, VXR, "@ii")
            if not 0 <= used <= entries <= MOST_RECORDS:
                raise ValueError(f"an index of {entries} entries")
            start = place + self.length("@i@ii")
            ends = struct.unpack_from(f">{2 * entries}i", self.data, start)
            runs = struct.unpack_from(f">{entries}{self.at}", self.data, start + 8 * entries)
            waiting.append(after)
            for first, end, run in zip(ends[:used], ends[entries:][:used], runs, strict=False):
                (kind,) = struct.unpack_from(">i", self.data, run + self.length("@"))
                if kind == VXR:
                    waiting.append(run)
                elif 0 <= first <= end:
                    yield first, self._run(run, kind, packs, (min(end, last) + 1 - first) * record)

    def _run(self, place: int, kind: int, packs: int, size: int) -> bytes:
        """The bytes of one run of records."""
        if kind == VVR:
            start = place + self.length("@i")
            found = self.data[start : start + max(size, 0)]
        else:
            _, packed = self.fields(place, CVVR, "i@")
            start = place + self.length("@ii@")
            found = self.unpacked(packs, self.data[start : start + max(packed, 0)], size)
        if len(found) != size:
            raise ValueError(f"{len(found)} bytes of records, expected {size}")
        return found

    def unpacked(self, place: int, content: bytes, size: int) -> bytes:
        """Bytes as the compression that is described at `place` has them; at most `size`."""
        if not 0 <= size <= MOST:
            raise ValueError(f"{size} bytes")
        (method,) = self.fields(place, CPR, "i")
        if method == GZIP:
            return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(content, max(size, 1))[:size]
        if method != ZEROS:
            raise ValueError(f"compression {method}")
        found, position = bytearray(), 0
        while position < len(content) and len(found) < size:
            if content[position]:
                end = content.find(b"\0", position)
                end = len(content) if end < 0 else end
                found += content[position:end]
                position = end
            else:  # how many zeros more
                found += bytes(1 + content[position + 1])
                position += 2
        return bytes(found[:size])
