"""PyPI `tokenizers` built from GGUF metadata, with the settings of SmolLM2's tokenizer.json:
no normaliser; Digits(individual), then ByteLevel with its own regular expression; BPE without an
unknown token or byte fallback; the control tokens added as special, matched in raw text."""

from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

CONTROL = 3  # tokenizer.ggml.token_type


def tokenizer_of(meta: dict[str, Any]) -> Tokenizer:
    """`meta`: the GGUF metadata by key."""
    assert (meta["tokenizer.ggml.model"], meta["tokenizer.ggml.pre"]) == ("gpt2", "smollm")
    tokens: list[str] = meta["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in meta["tokenizer.ggml.merges"]]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, fuse_unk=False, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    types = meta["tokenizer.ggml.token_type"]
    special = [AddedToken(t, special=True, normalized=False) for t, kind in zip(tokens, types) if kind == CONTROL]
    tokenizer.add_special_tokens(special)
    assert tokenizer.get_vocab_size() == len(tokens)
    return tokenizer


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """Special tokens in the text are recognised; none is added."""
    return tokenizer.encode(text, add_special_tokens=False).ids
