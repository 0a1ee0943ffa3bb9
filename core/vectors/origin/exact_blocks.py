"""The GGUF block layouts written out element by element in exact rationals, each value
rounded once to float32. It shares no code with PyPI `gguf`; make_dequantise.py uses it
to prove that the stored values do not depend on an order of operations."""

import struct
from fractions import Fraction
from typing import Callable, Iterator

import numpy as np


def half(block: bytes, at: int) -> Fraction:
    return Fraction(struct.unpack_from("<e", block, at)[0])


def nibble(packed: bytes, i: int, half_block: int) -> int:
    return packed[i] & 15 if i < half_block else packed[i - half_block] >> 4


def legacy(bits: int, has_min: bool) -> Callable[[bytes], Iterator[Fraction]]:
    """Q4_0, Q4_1, Q5_0, Q5_1: 32 elements, low nibbles first, then high nibbles."""

    def values(block: bytes) -> Iterator[Fraction]:
        at = 4 if has_min else 2
        high = int.from_bytes(block[at : at + 4], "little") if bits == 5 else 0
        packed = block[at + 4 :] if bits == 5 else block[at:]
        low = half(block, 2) if has_min else -half(block, 0) * (1 << (bits - 1))
        for i in range(32):
            yield half(block, 0) * (nibble(packed, i, 16) | ((high >> i & 1) << 4)) + low

    return values


def q8_0(block: bytes) -> Iterator[Fraction]:
    for q in struct.unpack_from("<32b", block, 2):
        yield half(block, 0) * q


def scale_min(scales: bytes, j: int) -> tuple[int, int]:
    """The 6-bit scale and minimum of sub-block j of 8."""
    if j < 4:
        return scales[j] & 63, scales[j + 4] & 63
    low, high = scales[j + 4], j - 4
    return (low & 15) | (scales[high] >> 6 << 4), (low >> 4) | (scales[high + 4] >> 6 << 4)


def q45_k(bits: int) -> Callable[[bytes], Iterator[Fraction]]:
    def values(block: bytes) -> Iterator[Fraction]:
        high, packed = block[16:48], block[-128:]
        for i in range(256):
            group, lane = divmod(i, 32)
            scale, low = scale_min(block[4:16], group)
            q = nibble(packed[group // 2 * 32 :][:32], i % 64, 32)
            if bits == 5:
                q |= (high[lane] >> group & 1) << 4
            yield half(block, 0) * scale * q - half(block, 2) * low

    return values


def q6_k(block: bytes) -> Iterator[Fraction]:
    for i in range(256):
        part, row, lane = i // 128, i % 128 // 32, i % 32
        low = block[part * 64 + (row % 2) * 32 + lane] >> (4 * (row // 2)) & 15
        high = block[128 + part * 32 + lane] >> (2 * row) & 3
        scale = struct.unpack_from("<b", block, 192 + i // 16)[0]
        yield half(block, 208) * scale * ((low | high << 4) - 32)


def plain(form: str, low_bytes: bytes = b"") -> Callable[[bytes], Iterator[Fraction]]:
    def values(block: bytes) -> Iterator[Fraction]:
        yield Fraction(struct.unpack(form, low_bytes + block)[0])

    return values


LAYOUTS: dict[str, tuple[int, Callable[[bytes], Iterator[Fraction]]]] = {
    "F32": (4, plain("<f")), "F16": (2, plain("<e")), "BF16": (2, plain("<f", b"\0\0")),
    "Q4_0": (18, legacy(4, False)), "Q4_1": (20, legacy(4, True)),
    "Q5_0": (22, legacy(5, False)), "Q5_1": (24, legacy(5, True)), "Q8_0": (34, q8_0),
    "Q4_K": (144, q45_k(4)), "Q5_K": (176, q45_k(5)), "Q6_K": (210, q6_k),
}


def exact_values(name: str, raw: bytes) -> np.ndarray:
    """Float32 [elements]; float(Fraction) then float32 could round twice, so the
    denominators (powers of two) are checked to make the float64 step exact."""
    size, values = LAYOUTS[name]
    out: list[float] = []
    for at in range(0, len(raw), size):
        for value in values(raw[at : at + size]):
            assert Fraction(float(value)) == value
            out.append(float(value))
    return np.array(out, dtype=np.float32)
