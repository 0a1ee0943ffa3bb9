"""core/vectors/stage-rows.json: hidden rows at stage boundaries of one prompt, to find where an engine goes wrong.

Independent implementation: llama_numpy.py in float64, the rows rounded to float32 at the end; the same code
in float32, summing in several orders, gives the tolerance. Versions: requirements.txt.
Run:  OPENBLAS_NUM_THREADS=1 python make_stage_rows.py MODEL.gguf OUTPUT_DIRECTORY
"""

import base64
import sys
from math import ceil, floor, log10
from pathlib import Path

import numpy as np

from chat_template import template_of
from greedy_prompts import PROMPTS
from llama_numpy import Llama, sha256
from smollm_tokenizer import encode, tokenizer_of
from vector_file import versions, write_vectors

PROMPT = "poem"
LAYERS = [9, 19]
SHUFFLES = 6
# Other matrix kernels (Haswell, Prescott) gave up to 3.3 times the errors measured here; an engine of
# another kind is given a little more than twice that.
TOLERANCE_FACTOR = 8

ORIGIN = (
    "llama_numpy.py in float64, each row rounded to float32 once, {versions}; command: "
    "OPENBLAS_NUM_THREADS=1 python make_stage_rows.py MODEL.gguf core/vectors; prompt = '{prompt}' of "
    "greedy.json, all its positions in one pass. boundary: embedding = the embedding's rows; layer 9 and "
    "layer 19 = the residual rows after the blocks blk.9 and blk.19 (10 and 20 blocks done); final norm = "
    "after output_norm, what the head multiplies. row_base64 = little-endian float32 [{width}]. "
    "max_abs_error = the largest error of an element by the same code in float32, over {orders} orders of "
    "summation (position 0 apart from the others, of which it is the largest: position 0 has elements "
    "hundreds of times larger); tolerance = {factor} times it; both rounded up to one digit. The embedding is exact. The "
    "rows were the same bits with three sets of matrix kernels (OPENBLAS_CORETYPE); max_abs_error is one machine's."
)


class ShuffledLlama(Llama):
    """Float32 with the terms of every matrix product in another order."""

    def __init__(self, path: Path, seed: int) -> None:
        super().__init__(path)
        self.seed = seed

    def product(self, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        order = np.random.default_rng(self.seed).permutation(w.shape[1])
        return x[:, order] @ w[:, order].T


def boundaries(model: Llama, ids: list[int]) -> dict[str, np.ndarray]:
    x = model.embedding[ids]
    rows = {"embedding": x}
    for number in range(model.layers):
        x, _ = model.layer(x, model.load_block(number), None)
        if number in LAYERS:
            rows[f"layer {number}"] = x
    return {**rows, "final norm": model.norm(x, model.output_norm)}


def one_digit_up(value: float) -> float:
    if value == 0:
        return 0.0
    power = floor(log10(value))
    return float(f"{ceil(value / 10**power)}e{power}")


def main() -> None:
    path, out = Path(sys.argv[1]), Path(sys.argv[2])
    model = Llama(path, np.float64)
    messages = next(m for name, m, _ in PROMPTS if name == PROMPT)
    ids = encode(tokenizer_of(model.meta), template_of(model.meta).render(messages, add_generation_prompt=True))
    exact = boundaries(model, ids)
    single = [boundaries(m, ids) for m in [Llama(path), *(ShuffledLlama(path, n) for n in range(SHUFFLES))]]
    cases: list[dict[str, object]] = []
    for boundary, rows in exact.items():
        errors = np.max([np.abs(run[boundary] - rows).max(axis=1) for run in single], axis=0)
        for position in [0, 1, len(ids) - 1]:
            error = one_digit_up(float(errors[0] if position == 0 else errors[1:].max()))
            row = rows[position].astype("<f4")
            cases.append({
                "boundary": boundary, "position": position, "max_abs_value": round(float(np.abs(row).max()), 3),
                "max_abs_error": error, "tolerance": one_digit_up(TOLERANCE_FACTOR * error),
                "row_base64": base64.b64encode(row.tobytes()).decode(),
            })
            print({k: v for k, v in cases[-1].items() if k != "row_base64"})
    used, width = versions("gguf", "numpy", "tokenizers", "Jinja2"), len(exact["embedding"][0])
    origin = ORIGIN.format(versions=used, prompt=PROMPT, factor=TOLERANCE_FACTOR, width=width, orders=len(single))
    head = {"origin": origin, "model_sha256": sha256(path), "prompt_ids": ids}
    write_vectors(out / "stage-rows.json", head, cases)


if __name__ == "__main__":
    main()
