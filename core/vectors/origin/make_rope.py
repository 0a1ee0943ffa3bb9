"""core/vectors/rope.json: the float32 rotary tables of a float64 implementation.

Independent implementation: mpmath, correctly rounded. Versions: requirements.txt. Needs no model.
Run:  python make_rope.py OUTPUT_DIRECTORY
"""

import math
import struct
import sys
from pathlib import Path

from rounded import correctly_rounded, hex32, inverse_frequency
from vector_file import versions, write_vectors

BASE = 100_000.0
HEAD_DIM = 64
POSITIONS = [0, 1, 2, 3, 7, 15, 16, 17, 31, 63, 64, 100, 255, 511, 512, 1000, 2047, 4095, 8190, 8191]

ORIGIN = (
    "mpmath, correctly rounded, {versions}; command: python make_rope.py core/vectors. For i in "
    "0..headDim/2-1: e = -2i/headDim (exact), f = float64(base^e), a = float64(position * f), "
    "cos_hex[i] = float32(float64(cos a)), sin_hex[i] alike; big-endian bits of float32. Of the "
    "{total} values, {frequency} change if f is one float64 unit off and {result} if the float64 "
    "cosine or sine is one unit off; a float64 implementation within one unit of correct "
    "rounding therefore gives the rest bit for bit."
)


def single(value: float) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]


def neighbours(value: float) -> list[float]:
    return [math.nextafter(value, math.inf), math.nextafter(value, -math.inf)]


def main() -> None:
    total = by_frequency = by_result = 0
    cases: list[dict[str, object]] = []
    for position in POSITIONS:
        row: dict[str, list[str]] = {"cos": [], "sin": []}
        for i in range(HEAD_DIM // 2):
            frequency = inverse_frequency(BASE, i, HEAD_DIM)
            for fn in ("cos", "sin"):
                y = correctly_rounded(fn, position * frequency)
                shifted = [correctly_rounded(fn, position * f) for f in neighbours(frequency)] if i > 0 else []
                total += 1
                by_frequency += any(single(z) != single(y) for z in shifted)
                by_result += any(single(z) != single(y) for z in neighbours(y)) and y not in (0.0, 1.0)
                row[fn].append(hex32(y))
        cases.append({"position": position, "cos_hex": row["cos"], "sin_hex": row["sin"]})
    origin = ORIGIN.format(versions=versions("mpmath"), total=total, frequency=by_frequency, result=by_result)
    head = {"origin": origin, "base": BASE, "head_dim": HEAD_DIM}
    write_vectors(Path(sys.argv[1]) / "rope.json", head, cases)


if __name__ == "__main__":
    main()
