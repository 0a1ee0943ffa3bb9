"""Elementary functions rounded correctly to float64, through mpmath. Each is computed at
two precisions and the roundings must agree, so no result sits too near a rounding
boundary to trust."""

import struct
from typing import Callable

import mpmath

WORKING_BITS = (300, 600)

FUNCTIONS: dict[str, Callable[..., mpmath.mpf]] = {
    "sin": mpmath.sin, "cos": mpmath.cos, "exp": mpmath.exp, "log": mpmath.log, "pow": mpmath.power,
}


def nearest_float64(value: mpmath.mpf) -> float:
    """To nearest, ties to even. Results here are zero or normal float64 numbers."""
    with mpmath.workprec(53):
        return float(+value)


def correctly_rounded(fn: str, *args: float) -> float:
    if fn == "sin" and args[0] == 0.0:
        return args[0]  # mpmath has no signed zero
    results: list[float] = []
    for bits in WORKING_BITS:
        with mpmath.workprec(bits):
            value = FUNCTIONS[fn](*[mpmath.mpf(a) for a in args])
        results.append(nearest_float64(value))
    assert results[0] == results[1], f"{fn}{args}: precision too low"
    assert results[0] == 0.0 or abs(results[0]) >= 2.0**-1022
    return results[0]


def inverse_frequency(base: float, i: int, head_dim: int) -> float:
    """RoPE's base^(-2i/headDim): the exponent rounded to float64, then the power."""
    return correctly_rounded("pow", base, -2 * i / head_dim)


def hex64(value: float) -> str:
    return struct.pack(">d", value).hex()


def hex32(value: float) -> str:
    return struct.pack(">f", value).hex()
