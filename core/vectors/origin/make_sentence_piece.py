"""core/vectors/sentence-piece.json: a small SentencePiece BPE vocabulary with byte fallback, texts and their ids.

Independent implementation: PyPI sentencepiece, which trains the vocabulary and tokenises. Training is deterministic.
Run:  python make_sentence_piece.py CORPUS.txt OUTPUT_DIRECTORY
"""

import io
import sys
from pathlib import Path

import sentencepiece

from tokenizer_texts import WRITTEN
from vector_file import versions, write_vectors

# llama.h, llama_token_type
NORMAL, UNKNOWN, CONTROL, UNUSED, BYTE = 1, 2, 3, 5, 6
ORIGIN = (
    "PyPI sentencepiece, BPE with byte fallback and no normalisation, trained on signaling/src/models/calibration-corpus.txt, "
    "{versions}; command: python make_sentence_piece.py CORPUS.txt core/vectors. tokens, scores and types are what a GGUF "
    "converter writes as tokenizer.ggml.tokens, scores and token_type."
)


def main() -> None:
    corpus, out = Path(sys.argv[1]), Path(sys.argv[2])
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus.read_text(encoding="utf8").splitlines()), model_writer=model, model_type="bpe",
        vocab_size=900, byte_fallback=True, character_coverage=0.99, normalization_rule_name="identity",
        remove_extra_whitespaces=False, split_digits=True, allow_whitespace_only_pieces=True, num_threads=1, minloglevel=2,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    ids = range(pieces.get_piece_size())

    def kind(index: int) -> int:
        checks = ((pieces.is_unknown, UNKNOWN), (pieces.is_control, CONTROL), (pieces.is_byte, BYTE), (pieces.is_unused, UNUSED))
        return next((name for check, name in checks if check(index)), NORMAL)

    texts = list(dict.fromkeys(text for group, kind_texts in WRITTEN.items() if group != "special" for text in kind_texts if len(text) < 200))
    cases = [{"text": text, "ids": pieces.encode(text), "decoded": pieces.decode(pieces.encode(text))} for text in texts if text and "\0" not in text]
    head = {
        "origin": ORIGIN.format(versions=versions("sentencepiece")),
        "tokens": [pieces.id_to_piece(i) for i in ids],
        "scores": [pieces.get_score(i) for i in ids],
        "types": [kind(i) for i in ids],
    }
    write_vectors(out / "sentence-piece.json", head, cases)


if __name__ == "__main__":
    main()
