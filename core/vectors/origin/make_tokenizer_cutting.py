"""core/vectors/tokenizer-cutting.json: the ways of cutting text before merging that other models use.

Independent implementation: PyPI tokenizers, with the expressions of those models' own tokenizer.json (gpt2, Meta-Llama-3,
Qwen2), over the vocabulary and merges of the default model.
Run:  python make_tokenizer_cutting.py MODEL.gguf OUTPUT_DIRECTORY
"""

import sys
from pathlib import Path
from typing import Any

from gguf import GGUFReader
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from llama_numpy import sha256
from tokenizer_texts import WRITTEN
from vector_file import versions, write_vectors

CONTROL = 3  # tokenizer.ggml.token_type

MODERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|DIGITS| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
EXPRESSIONS = {
    "gpt-2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "llama-bpe": MODERN.replace("DIGITS", r"\p{N}{1,3}"),
    "qwen2": MODERN.replace("DIGITS", r"\p{N}"),
}
ORIGIN = (
    "PyPI tokenizers with the expressions of the models' tokenizer.json over the default model's vocabulary, {versions}; "
    "command: python make_tokenizer_cutting.py MODEL.gguf core/vectors. llama-bpe ignores merges for whole tokens, qwen2 "
    "normalises to NFC. Special tokens in the text are recognised, none is added."
)


def tokenizer_of(meta: dict[str, Any], pre: str) -> Tokenizer:
    tokens: list[str] = meta["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in meta["tokenizer.ggml.merges"]]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=pre == "llama-bpe"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(EXPRESSIONS[pre]), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    types = meta["tokenizer.ggml.token_type"]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t, kind in zip(tokens, types) if kind == CONTROL])
    return tokenizer


def main() -> None:
    path, out = Path(sys.argv[1]), Path(sys.argv[2])
    meta = {name: field.contents() for name, field in GGUFReader(path).fields.items()}
    texts = list(dict.fromkeys(text for kind in WRITTEN.values() for text in kind if len(text) < 200))
    cases = []
    for pre in EXPRESSIONS:
        tokenizer = tokenizer_of(meta, pre)
        cases += [{"pre": pre, "text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids} for text in texts]
    origin = ORIGIN.format(versions=versions("tokenizers", "gguf"))
    write_vectors(out / "tokenizer-cutting.json", {"origin": origin, "model_sha256": sha256(path)}, cases)


if __name__ == "__main__":
    main()
