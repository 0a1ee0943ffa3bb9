"""core/vectors/numeric.json: float64 sin, cos, exp, log and pow, correctly rounded.

Independent implementation: mpmath at 300 and 600 bits. Versions: requirements.txt. Needs no model.
Run:  python make_numeric.py OUTPUT_DIRECTORY
"""

import math
import random
import sys
from pathlib import Path

import mpmath

from rounded import correctly_rounded, hex64, inverse_frequency, nearest_float64
from vector_file import versions, write_vectors

SEED = 20251122
HEAD_DIM = 64
BASES = [10_000.0, 100_000.0, 500_000.0]
POSITIONS = [1, 2, 3, 7, 15, 16, 63, 100, 511, 512, 1000, 2047, 4095, 8191, 32767, 100_003, 131_070, 131_071]

ORIGIN = (
    "mpmath at 300 and 600 bits, the two rounded to nearest even float64 alike; {versions}; seed "
    "{seed}; command: python make_numeric.py core/vectors. args_hex and y_hex = the big-endian "
    "bits of float64. Angles are position * base^(-2i/64) up to position 131071, small and "
    "negative values, and the float64 neighbours of multiples of pi/2. Arguments and results are finite."
)


def angles(rng: random.Random) -> list[float]:
    rope = [p * inverse_frequency(rng.choice(BASES), rng.randrange(HEAD_DIM // 2), HEAD_DIM) for p in POSITIONS * 3]
    whole = [float(p) for p in POSITIONS]  # i = 0: the angle is the position itself
    small = [0.0, -0.0, 2.0**-60, 1e-300, 2.0**-27, -(2.0**-26), 1e-8, -1e-5, 1e-3, 0.1, -0.5]
    quarters: list[float] = []
    for k in [1, 2, 3, 4, 5, 7, 8, 11, 64, 355, 1001, 20861, 83443]:
        with mpmath.workprec(300):
            near = nearest_float64(k * mpmath.pi / 2)
        quarters += [near, math.nextafter(near, math.inf), -math.nextafter(near, 0.0)]
    plain = [rng.uniform(-10, 10) for _ in range(16)] + [rng.uniform(-131_071, 131_071) for _ in range(16)]
    eighths = [math.pi / 4, math.nextafter(math.pi / 4, 0), -math.pi / 4]
    return rope + whole + small + quarters + plain + eighths


def exponents(rng: random.Random) -> list[float]:
    edges = [0.0, -0.0, 1.0, -1.0, 2.0**-60, -(2.0**-54), 1e-10, 0.5, -0.5, math.log(2), -math.log(2), math.log(2) / 2]
    edges += [-100.0, 80.0, 79.999, -87.33654, -99.9, 10.0, -10.0, 50.0]
    softmax = [-rng.expovariate(0.2) for _ in range(50)]
    return edges + [x for x in softmax if x > -100] + [rng.uniform(-100, 80) for _ in range(60)] + [
        rng.uniform(-1, 1) for _ in range(20)
    ]


def logarithms(rng: random.Random) -> list[float]:
    edges = [1.0, 2.0, 0.5, 10.0, 1e-30, 1e30, math.e, 3.0, math.sqrt(2), math.sqrt(0.5)]
    edges += [math.nextafter(1, 2), math.nextafter(1, 0), 1 + 2.0**-20, 1 - 2.0**-20, 1.0001, 0.9999, 2.0**-53]
    uniform = [rng.random() for _ in range(45)]  # what a sampler takes logarithms of
    return edges + uniform + [10 ** rng.uniform(-30, 30) for _ in range(60)] + [rng.uniform(0.5, 2) for _ in range(30)]


def powers(rng: random.Random) -> list[tuple[float, float]]:
    rope = [(base, -2 * i / HEAD_DIM) for base in BASES for i in range(HEAD_DIM // 2)]
    wide = [(base, -2 * i / 128) for base in BASES for i in range(1, 64, 6)]
    other = [(500_000.0, -2 * i / 80) for i in range(1, 40, 4)] + [(rng.uniform(1e3, 1e6), -rng.random()) for _ in range(12)]
    return rope + wide + other


def main() -> None:
    rng = random.Random(SEED)
    turns = angles(rng)
    arguments: list[tuple[str, tuple[float, ...]]] = []
    arguments += [("sin", (x,)) for x in turns] + [("cos", (x,)) for x in turns]
    arguments += [("exp", (x,)) for x in exponents(rng)] + [("log", (x,)) for x in logarithms(rng)]
    arguments += [("pow", pair) for pair in powers(rng)]
    # Keyed by bits, because 0.0 == -0.0 and both are wanted.
    distinct = {(fn, *map(hex64, args)): (fn, args) for fn, args in arguments}
    cases = [
        {"fn": fn, "args_hex": [hex64(a) for a in args], "y_hex": hex64(correctly_rounded(fn, *args))}
        for fn, args in distinct.values()
    ]
    counts = {fn: sum(c["fn"] == fn for c in cases) for fn in ("sin", "cos", "exp", "log", "pow")}
    print(counts)
    origin = ORIGIN.format(versions=versions("mpmath"), seed=SEED)
    write_vectors(Path(sys.argv[1]) / "numeric.json", {"origin": origin}, cases)


if __name__ == "__main__":
    main()
