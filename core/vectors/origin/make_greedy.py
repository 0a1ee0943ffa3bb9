"""core/vectors/greedy.json: greedy continuations of fourteen conversations.

Independent implementation: llama_numpy.py (float32, weights dequantised by PyPI gguf), prompts rendered
with jinja2 as transformers does and tokenised by PyPI tokenizers. Versions: requirements.txt.
Run:  OPENBLAS_NUM_THREADS=1 python make_greedy.py MODEL.gguf OUTPUT_DIRECTORY
"""

import sys
from pathlib import Path

import numpy as np

from chat_template import template_of
from greedy_prompts import PROMPTS
from llama_numpy import Cache, Llama, sha256, top_two_gap
from smollm_tokenizer import encode, tokenizer_of
from vector_file import versions, write_vectors

# Below this a different float32 summation order could choose the other token.
LEAST_MARGIN = 1e-3
# What float32 may differ from float64 in a gap: 3e-5 was measured, so a margin is far above it.
LARGEST_NOISE = 1e-4

ORIGIN = (
    "llama_numpy.py in float32 with a KV cache, {versions}; command: OPENBLAS_NUM_THREADS=1 python "
    "make_greedy.py MODEL.gguf core/vectors. rendered = the file's chat template by jinja2 as "
    "transformers compiles it, prompt_ids = PyPI tokenizers, output_ids = argmax at each step, the "
    "end-of-sequence id kept as the last. Every step was recomputed in float64 over the whole sequence "
    "(no cache): each id is the float64 argmax too, every top-two gap of float32 is within {noise} of the "
    "float64 one, and min_margin is the smallest float64 gap between the two best logits. "
    "Prompts with a margin under {least} would be refused; none had to be replaced."
)


def generate(model: Llama, prompt: list[int], limit: int) -> tuple[list[int], list[float]]:
    cache: Cache = []
    ids, gaps, step = [], [], prompt
    while len(ids) < limit and (not ids or ids[-1] != model.eos):
        logits = model.logits(model.forward(step, cache)[-1:])[0]
        ids.append(int(np.argmax(logits)))
        gaps.append(top_two_gap(logits))
        step = ids[-1:]
    return ids, gaps


def float64_logits(path: Path, sequences: list[list[int]], counts: list[int]) -> list[np.ndarray]:
    """Logits that chose the last `counts` ids of each sequence; one layer in memory at a time."""
    model = Llama(path, np.float64)
    rows = [model.embedding[ids[:-1]] for ids in sequences]
    for number in range(model.layers):
        block = model.load_block(number)
        rows = [model.layer(x, block, None)[0] for x in rows]
    return [model.logits(x[-count:]) for x, count in zip(rows, counts)]


def main() -> None:
    path, out = Path(sys.argv[1]), Path(sys.argv[2])
    model = Llama(path)
    template, tokenizer = template_of(model.meta), tokenizer_of(model.meta)
    cases: list[dict[str, object]] = []
    runs: list[tuple[list[int], list[int], list[float]]] = []
    for name, messages, limit in PROMPTS:
        rendered = template.render(messages, add_generation_prompt=True)
        prompt = encode(tokenizer, rendered)
        ids, gaps = generate(model, prompt, limit)
        print(f"{name}: {len(prompt)} + {len(ids)}, {min(gaps):.4f}, {tokenizer.decode(ids)!r}", flush=True)
        runs.append((prompt, ids, gaps))
        cases.append({"name": name, "messages": messages, "rendered": rendered, "prompt_ids": prompt, "output_ids": ids})
    exact = float64_logits(path, [p + i for p, i, _ in runs], [len(i) for _, i, _ in runs])
    noise = 0.0
    for case, logits, (_, ids, gaps) in zip(cases, exact, runs):
        assert np.argmax(logits, axis=-1).tolist() == ids, f"{case['name']}: float64 chooses otherwise"
        exact_gaps = [top_two_gap(row) for row in logits]
        noise = max(noise, *(abs(a - b) for a, b in zip(gaps, exact_gaps)))
        assert min(exact_gaps) >= LEAST_MARGIN, f"{case['name']}: margin {min(exact_gaps)}"
        case["min_margin"] = round(min(exact_gaps), 5)
    print(f"largest difference of a gap between float32 and float64: {noise:.1e}")
    assert noise < LARGEST_NOISE
    used = versions("gguf", "numpy", "tokenizers", "Jinja2")
    head = {
        "origin": ORIGIN.format(versions=used, noise=LARGEST_NOISE, least=LEAST_MARGIN),
        "model_sha256": sha256(path), "eos_id": model.eos,
    }
    write_vectors(out / "greedy.json", head, cases)


if __name__ == "__main__":
    main()
