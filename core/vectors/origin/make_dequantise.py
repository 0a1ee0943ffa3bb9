"""core/vectors/dequantise.json: block bytes and the float32 values they stand for.

Independent implementation: gguf.quants.dequantize of PyPI `gguf` (the llama.cpp project's
Python package), checked here against the block layouts evaluated in exact rationals.
Versions: requirements.txt. Needs no model.
Run:  python make_dequantise.py OUTPUT_DIRECTORY
"""

import base64
import sys
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

from exact_blocks import exact_values
from vector_file import versions, write_vectors

SEED = 20251121
RANDOM_BLOCKS = 12
GAUSSIAN_BLOCKS = 8
FLOAT_ELEMENTS = 256

# Byte offsets of the float16 scales inside one block of each type.
SCALE_OFFSETS = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
    Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
}
FLOATS = [Type.F32, Type.F16, Type.BF16]
# Zero, minus zero, the smallest and largest subnormals, the smallest normal, the largest finite.
EDGE_SCALES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x8400, 0x7BFF, 0xFBFF]

ORIGIN = (
    "gguf.quants.dequantize, {versions}; seed {seed}; command: python make_dequantise.py "
    "core/vectors. expected = little-endian float32. Inputs hold finite scales only (zeros of "
    "both signs, subnormals, negatives, the largest float16). Operation order: F32, F16, BF16, "
    "Q4_0, Q5_0, Q8_0 and Q6_K are exact in float32 (scale and quant products need at most 24 "
    "bits), so no order can change them. Q4_1, Q5_1 (d*q + m) and Q4_K, Q5_K (d*sc*q - dmin*m) "
    "have exact products and round once, at the final add, so fused or separate multiply-add, "
    "float32 or float64 give the same bits; only a factored form such as d*(q + m/d) would "
    "differ. The generator proves this: every value equals the exact rational rounded once to "
    "float32. A zero keeps the sign the float32 operations give (for example d = -1, q = 0 is -0)."
)


def random_scale(rng: np.random.Generator) -> int:
    """A float16 bit pattern: an edge, a subnormal, or a weight-like magnitude of either sign."""
    kind = rng.integers(0, 4)
    if kind == 0:
        return int(EDGE_SCALES[rng.integers(0, len(EDGE_SCALES))])
    if kind == 1:
        return int(rng.integers(0, 0x400) | (rng.integers(0, 2) << 15))
    magnitude = np.float16(2.0 ** rng.uniform(-12, 2) * rng.choice([-1.0, 1.0]))
    return int(magnitude.view(np.uint16))


def random_blocks(qtype: Type, rng: np.random.Generator) -> np.ndarray:
    _, size = gguf.GGML_QUANT_SIZES[qtype]
    blocks = rng.integers(0, 256, (RANDOM_BLOCKS, size), dtype=np.uint8)
    for block in blocks:
        for at in SCALE_OFFSETS[qtype]:
            block[at : at + 2] = np.array([random_scale(rng)], dtype="<u2").view(np.uint8)
    return blocks


def random_floats(qtype: Type, rng: np.random.Generator) -> np.ndarray:
    """Random finite bit patterns, the first ones zeros, subnormals and extremes."""
    width, exponent = {Type.F32: ("u4", 0xFF << 23), Type.F16: ("u2", 0x1F << 10), Type.BF16: ("u2", 0xFF << 7)}[qtype]
    bits = 8 * int(width[1])
    top = 1 << (bits - 1)
    low = exponent & -exponent
    edges = [0, top, 1, top | 1, low - 1, top | (low - 1), low, exponent - 1, top | (exponent - 1)]
    values = [int(v) for v in rng.integers(0, 1 << bits, FLOAT_ELEMENTS, dtype=np.uint64)]
    finite = [v & ~low if v & exponent == exponent else v for v in edges + values[len(edges):]]
    return np.array(finite, dtype="<" + width).view(np.uint8)


def case(name: str, qtype: Type, data: np.ndarray) -> dict[str, object]:
    raw = np.ascontiguousarray(data).view(np.uint8)
    values = np.ascontiguousarray(gguf.quants.dequantize(raw, qtype), dtype="<f4").ravel()
    exact = exact_values(qtype.name, raw.tobytes())
    assert np.array_equal(values, exact), f"{qtype.name} {name}: not the exact value rounded once"
    assert np.isfinite(values).all()
    return {
        "type": qtype.name, "name": name, "elements": int(values.size),
        "input_base64": base64.b64encode(raw.tobytes()).decode(),
        "expected_base64": base64.b64encode(values.tobytes()).decode(),
    }


def main() -> None:
    out = Path(sys.argv[1])
    rng = np.random.default_rng(SEED)
    cases = [case("random finite bits", t, random_floats(t, rng)) for t in FLOATS]
    for qtype in FLOATS:
        gaussian = rng.normal(0, 0.05, (1, FLOAT_ELEMENTS)).astype(np.float32)
        cases.append(case("gaussian", qtype, gguf.quants.quantize(gaussian, qtype)))
    for qtype in SCALE_OFFSETS:
        cases.append(case("random bytes", qtype, random_blocks(qtype, rng)))
        if not qtype.name.endswith("_K"):  # the package has no K-quantiser
            gaussian = rng.normal(0, 0.05, (1, GAUSSIAN_BLOCKS * 32)).astype(np.float32)
            cases.append(case("gaussian", qtype, gguf.quants.quantize(gaussian, qtype)))
    origin = ORIGIN.format(versions=versions("gguf", "numpy"), seed=SEED)
    write_vectors(out / "dequantise.json", {"origin": origin}, cases)


if __name__ == "__main__":
    main()
