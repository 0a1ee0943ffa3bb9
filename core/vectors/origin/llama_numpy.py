"""The unsharded llama forward in plain numpy, straight from the published architecture:
RMSNorm, rotary positions on half-split heads, grouped-query attention, SwiGLU, tied head.
It shares no code with the project's engine. Weights are dequantised by PyPI `gguf`."""

import hashlib
from pathlib import Path
from typing import Any

import gguf
import numpy as np

Cache = list[tuple[np.ndarray, np.ndarray]]


class Llama:
    """`dtype` is what everything is computed in: float32, or float64 to measure float32's error."""

    def __init__(self, path: Path, dtype: type = np.float32) -> None:
        reader = gguf.GGUFReader(path)
        self.path, self.dtype = path, dtype
        self.meta: dict[str, Any] = {name: field.contents() for name, field in reader.fields.items()}
        self.tensors = {t.name: t for t in reader.tensors}
        assert self.meta["general.architecture"] == "llama"
        assert "output.weight" not in self.tensors, "written for a tied head"
        self.layers: int = self.meta["llama.block_count"]
        self.heads: int = self.meta["llama.attention.head_count"]
        self.kv_heads: int = self.meta["llama.attention.head_count_kv"]
        self.head_dim: int = self.meta["llama.rope.dimension_count"]
        self.eps: float = self.meta["llama.attention.layer_norm_rms_epsilon"]
        self.base: float = self.meta["llama.rope.freq_base"]
        self.eos: int = self.meta["tokenizer.ggml.eos_token_id"]
        self.embedding = self.weight("token_embd.weight")
        self.output_norm = self.weight("output_norm.weight")
        self.blocks: list[dict[str, np.ndarray]] = []

    def weight(self, name: str) -> np.ndarray:
        """A matrix is [out, in]; GGUF lists its dimensions the other way round."""
        tensor = self.tensors[name]
        shape = tuple(int(n) for n in reversed(tensor.shape))
        return gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(shape).astype(self.dtype)

    def unpermuted(self, name: str, heads: int) -> np.ndarray:
        """GGUF stores q and k rows so that rotated pairs are neighbours; put the halves back."""
        w = self.weight(name)
        return w.reshape(heads, self.head_dim // 2, 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)

    def load_block(self, layer: int) -> dict[str, np.ndarray]:
        at = f"blk.{layer}."
        plain = ["attn_norm", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"]
        block = {name: self.weight(f"{at}{name}.weight") for name in plain}
        block["attn_q"] = self.unpermuted(at + "attn_q.weight", self.heads)
        block["attn_k"] = self.unpermuted(at + "attn_k.weight", self.kv_heads)
        return block

    def product(self, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Rows x [T, in] by a matrix w [out, in]."""
        return x @ w.T

    def norm(self, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
        mean = np.mean(x * x, axis=-1, keepdims=True, dtype=self.dtype)
        return x / np.sqrt(mean + self.dtype(self.eps)) * weight

    def rotate(self, x: np.ndarray, start: int) -> np.ndarray:
        """x [T, heads, headDim]. The tables are float32 in both precisions: they are inputs."""
        half = self.head_dim // 2
        frequency = np.power(self.base, -2.0 * np.arange(half) / self.head_dim)
        angle = np.arange(start, start + x.shape[0])[:, None] * frequency
        cos, sin = (f(angle).astype(np.float32).astype(self.dtype)[:, None, :] for f in (np.cos, np.sin))
        a, b = x[..., :half], x[..., half:]
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)

    def attention(self, x: np.ndarray, block: dict[str, np.ndarray], past: tuple[np.ndarray, np.ndarray] | None):
        count = x.shape[0]
        start = 0 if past is None else past[0].shape[0]
        q = self.rotate(self.product(x, block["attn_q"]).reshape(count, self.heads, self.head_dim), start)
        k = self.rotate(self.product(x, block["attn_k"]).reshape(count, self.kv_heads, self.head_dim), start)
        v = self.product(x, block["attn_v"]).reshape(count, self.kv_heads, self.head_dim)
        if past is not None:
            k, v = np.concatenate([past[0], k]), np.concatenate([past[1], v])
        hidden = np.arange(k.shape[0])[None, :] > np.arange(start, start + count)[:, None]
        out = np.empty_like(q)
        for head in range(self.heads):
            group = head // (self.heads // self.kv_heads)
            scores = q[:, head] @ k[:, group].T / self.dtype(np.sqrt(self.head_dim))
            scores[hidden] = -np.inf
            weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
            out[:, head] = weights / weights.sum(axis=-1, keepdims=True) @ v[:, group]
        return self.product(out.reshape(count, -1), block["attn_output"]), (k, v)

    def layer(self, x: np.ndarray, block: dict[str, np.ndarray], past: tuple[np.ndarray, np.ndarray] | None):
        """Hidden rows [T, width] through one block; returns them with the block's keys and values."""
        attended, kv = self.attention(self.norm(x, block["attn_norm"]), block, past)
        x = x + attended
        y = self.norm(x, block["ffn_norm"])
        gate = self.product(y, block["ffn_gate"])
        with np.errstate(over="ignore"):  # exp(-gate) may be infinite: the gate is then 0, as it should be
            gated = gate / (1 + np.exp(-gate)) * self.product(y, block["ffn_up"])
        return x + self.product(gated, block["ffn_down"]), kv

    def logits(self, x: np.ndarray) -> np.ndarray:
        """Hidden rows after the last layer -> logits [T, vocabulary]."""
        return self.product(self.norm(x, self.output_norm), self.embedding)

    def forward(self, ids: list[int], cache: Cache) -> np.ndarray:
        """Rows after the last layer for `ids`, which follow what `cache` holds; extends the cache."""
        x = self.embedding[ids]
        first = not cache
        if not self.blocks:
            self.blocks = [self.load_block(number) for number in range(self.layers)]
        for number, block in enumerate(self.blocks):
            x, kv = self.layer(x, block, None if first else cache[number])
            if first:
                cache.append(kv)
            else:
                cache[number] = kv
        return x


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def top_two_gap(logits: np.ndarray) -> float:
    second, first = np.partition(logits, -2)[-2:]
    return float(first) - float(second)
