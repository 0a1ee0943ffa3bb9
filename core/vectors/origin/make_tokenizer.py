"""core/vectors/tokenizer.json: texts and their token ids.

Independent implementations: PyPI tokenizers (smollm_tokenizer.py), whose ids are stored, and llama.cpp
(llama-cpp-tokens.mjs), whose ids are compared with them. Versions: requirements.txt and that script.
Run:  python make_tokenizer.py MODEL.gguf OUTPUT_DIRECTORY [LLAMA_CPP_IDS.json]
Make the file once without the last argument, let llama-cpp-tokens.mjs tokenise it, then run again with it.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

from gguf import GGUFReader

from llama_numpy import sha256
from smollm_tokenizer import encode, tokenizer_of
from tokenizer_texts import WRITTEN, random_texts
from vector_file import versions, write_vectors

SEED = 20251123

ORIGIN = (
    "PyPI tokenizers built from the GGUF metadata with the settings of SmolLM2's tokenizer.json "
    "(smollm_tokenizer.py), {versions}; seed {seed}; command: python make_tokenizer.py MODEL.gguf "
    "core/vectors LLAMA_CPP_IDS.json. Special tokens in the text are recognised, none is added. The "
    "vocabulary has no token for the bytes {missing}; the unknown token is null, so such a byte is lost "
    "without an error. {compared}"
)


def vocabulary_texts(meta: dict[str, Any], tokenizer: Any) -> list[str]:
    texts = [tokenizer.decode([index]) for index in range(17, len(meta["tokenizer.ggml.tokens"]))]
    return [text for text in texts if text and "\ufffd" not in text]


def compared(cases: list[dict[str, Any]], answer: dict[str, Any], missing: set[int]) -> str:
    other = {row["text"]: row["ids"] for row in answer["cases"]}
    different = [case for case in cases if other[case["text"]] != case["ids"]]
    for case in different:
        print(case["kind"], ascii(case["text"]), case["ids"], other[case["text"]])
        assert missing & set(case["text"].encode()), "a difference the origin note does not explain"
    return (
        f"{answer['engine']} gives the same ids for {len(cases) - len(different)} of the {len(cases)} texts. "
        f"The other {len(different)} all hold a lost byte between symbols: tokenizers drops it before "
        "merging, so its neighbours may merge ('!\\x04!' becomes '!!'), llama.cpp after, so they may not. "
        "We follow tokenizers, the library that defines tokenizer.json."
    )


def main() -> None:
    path, out = Path(sys.argv[1]), Path(sys.argv[2])
    meta = {name: field.contents() for name, field in GGUFReader(path).fields.items()}
    tokenizer = tokenizer_of(meta)
    rng = random.Random(SEED)
    kinds = {**WRITTEN, **random_texts(rng, vocabulary_texts(meta, tokenizer))}
    kind_of = {text: kind for kind, texts in reversed(kinds.items()) for text in texts}
    cases = [{"kind": kind, "text": text, "ids": encode(tokenizer, text)} for text, kind in kind_of.items()]
    missing = [byte for byte in range(256) if byte_symbol(byte) not in tokenizer.get_vocab()]
    note = compared(cases, json.loads(Path(sys.argv[3]).read_text()), set(missing)) if len(sys.argv) > 3 else "Not compared yet."
    used = versions("tokenizers", "gguf")
    named = " ".join(f"{byte:02X}" for byte in missing)
    origin = ORIGIN.format(versions=used, seed=SEED, missing=named, compared=note)
    write_vectors(out / "tokenizer.json", {"origin": origin, "model_sha256": sha256(path)}, cases)


def byte_symbol(byte: int) -> str:
    """The character that stands for a byte in a byte-level vocabulary."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    return chr(byte) if byte in shown else chr(256 + hidden.index(byte))


if __name__ == "__main__":
    main()
