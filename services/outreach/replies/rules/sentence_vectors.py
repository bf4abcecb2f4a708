"""Sentence vectors: what a text means, as numbers, in seven languages alike.

A part of Google's Universal Sentence Encoder (multilingual, version 3, Apache License 2.0): the pieces of words of
languages in Latin letters, their vectors in four bits, and the first layer of its convolutions over two, three and five
pieces. `weights/README.md` says how it was taken from the package that ships it.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from services.outreach.replies.rules.packed_arrays import unpacked

Vector = NDArray[np.float32]
PIECES = 96
"""Pieces of a text that count: two thirds from its beginning, a third from its end."""
READ = 900
_WINDOWS = ((2, 0), (3, 1), (5, 2))
"""The convolutions: how many pieces each covers, and how many of them come before the piece itself."""
_WIDTH = 256
REMEMBERED = 4_000
"""Pieces whose numbers are kept at a time: 13 kB each. A tenant's mails have some thousands of different ones."""
_AT_ONCE = 16
WORDS = 20_000
"""Words whose pieces are kept."""
_UNKNOWN, _BEGIN, _END = 0, 1, 2


class SentenceEncoder:
    """Cuts a text into pieces of words and adds up their vectors and those of their neighbourhoods."""

    def __init__(self, data: bytes) -> None:
        arrays, about = unpacked(data)
        loaded = cast("dict[str, NDArray[Any]]", arrays)
        pieces = cast("list[str]", about["pieces"])
        self._halves = loaded["table"]
        self._table_scale = loaded["table_scale"]
        self._scores = loaded["scores"].tolist()
        self._unknown_score = min(self._scores) - 10.0
        self._longest = max(map(len, pieces))
        self._prefixes = _prefixes_of(pieces)
        self._project = _matrix(loaded, "project")
        self._project_bias = loaded["project_bias"]
        self._gamma, self._beta = loaded["gamma"], loaded["beta"]
        self._convolve = [_matrix(loaded, f"convolve{size}") for size, _ in _WINDOWS]
        self._convolve_bias = [loaded[f"convolve{size}_bias"] for size, _ in _WINDOWS]
        self._places: dict[int, int] = {}
        columns = _WIDTH * (len(_WINDOWS) + sum(size for size, _ in _WINDOWS))
        self._remembered = np.empty((REMEMBERED, columns), np.float32)
        self._pieces_of = lru_cache(maxsize=WORDS)(self._ids)

    def vector_of(self, text: str) -> Vector:
        """The vector of a text in two halves: the sum over its pieces, of length 1, and the greatest of each number."""
        ids = _middle_left_out([_BEGIN, *chain.from_iterable(map(self._pieces_of, _words(text))), _END])
        found = self._neighbourhoods(self._rows(ids))
        return np.concatenate([_unit(cast(Vector, found.sum(axis=0))), found.max(axis=0)])

    def _rows(self, ids: Sequence[int]) -> Vector:
        """What each piece gives to itself and its neighbours; pieces that were read lately are not computed again."""
        missing = [piece for piece in dict.fromkeys(ids) if piece not in self._places]
        if len(self._places) + len(missing) > REMEMBERED:
            self._places.clear()
            missing = list(dict.fromkeys(ids))
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            at = len(self._places)
            # always the same number of rows: a product of another shape may differ in its last bits
            self._remembered[at : at + len(some)] = self._computed([*some, *[0] * (_AT_ONCE - len(some))])[: len(some)]
            self._places.update(zip(some, range(at, at + len(some)), strict=True))
        return self._remembered[[self._places[piece] for piece in ids]]

    def _computed(self, ids: Sequence[int]) -> Vector:
        """The projected vectors of pieces, and their products with each part of each convolution."""
        halves = self._halves[ids]
        numbers = np.empty((len(ids), 512), np.float32)
        numbers[:, 0::2] = halves & 15
        numbers[:, 1::2] = halves >> 4
        numbers -= 7.5
        numbers *= self._table_scale[ids][:, None]
        projected = numbers @ self._project + self._project_bias
        projected -= projected.mean(axis=1, keepdims=True)
        projected /= np.sqrt(np.square(projected).mean(axis=1, keepdims=True) + 1e-6)
        projected = projected * self._gamma + self._beta
        products = [
            projected[:, at * _WIDTH : (at + 1) * _WIDTH] @ self._convolve[at][step * _WIDTH : (step + 1) * _WIDTH]
            for at, (size, _) in enumerate(_WINDOWS)
            for step in range(size)
        ]
        return np.concatenate([projected, *products], axis=1)

    def _neighbourhoods(self, rows: Vector) -> Vector:
        count, column = len(rows), len(_WINDOWS) * _WIDTH
        found = np.empty((count, column), np.float32)
        for at, (size, before) in enumerate(_WINDOWS):
            hidden = np.tile(self._convolve_bias[at], (count, 1))
            for step in range(size):
                shift = step - before
                low, high = max(0, -shift), min(count, count - shift)
                if low < high:
                    hidden[low:high] += rows[low + shift : high + shift, column : column + _WIDTH]
                column += _WIDTH
            part = slice(at * _WIDTH, (at + 1) * _WIDTH)
            found[:, part] = np.maximum(hidden, 0) + rows[:, part]
        return found

    def _ids(self, text: str) -> tuple[int, ...]:
        """The most probable way to cut a word into pieces (Viterbi over a unigram model); none goes over two words."""
        length = len(text)
        best = [0.0] + [-1e38] * length
        start_of, piece_of = [0] * (length + 1), [0] * (length + 1)
        for start in range(length):
            single = False
            for end in range(start + 1, min(start + self._longest, length) + 1):
                piece = self._prefixes.get(text[start:end])
                if piece is None:
                    break
                if piece >= 0:
                    single = single or end == start + 1
                    score = best[start] + self._scores[piece]
                    if score > best[end]:
                        best[end], start_of[end], piece_of[end] = score, start, piece
            if not single and best[start] + self._unknown_score > best[start + 1]:
                best[start + 1] = best[start] + self._unknown_score
                start_of[start + 1], piece_of[start + 1] = start, _UNKNOWN
        ids = []
        at = length
        while at > 0:
            ids.append(piece_of[at])
            at = start_of[at]
        return tuple(ids[::-1])


@cache
def encoder() -> SentenceEncoder:
    """The encoder that the package ships."""
    return SentenceEncoder((files("services.outreach.replies.rules") / "weights" / "sentence_vectors.bin").read_bytes())


def _words(text: str) -> list[str]:
    """The words that are read, each with the mark of a beginning."""
    if len(text) > READ:
        text = text[: READ * 2 // 3] + " " + text[-READ // 3 :]
    return [f"\u2581{word}" for word in unicodedata.normalize("NFKC", text).split()]


def _middle_left_out(ids: list[int]) -> list[int]:
    return ids if len(ids) <= PIECES else ids[: PIECES * 2 // 3] + ids[-PIECES // 3 :]


def _prefixes_of(pieces: Sequence[str]) -> dict[str, int]:
    """Each piece with its number, and each beginning of a piece with -1."""
    prefixes: dict[str, int] = {}
    for piece in pieces:
        for length in range(1, len(piece)):
            prefixes.setdefault(piece[:length], -1)
    prefixes.update((piece, number) for number, piece in enumerate(pieces) if number > _END)
    return prefixes


def _matrix(arrays: dict[str, NDArray[Any]], name: str) -> Vector:
    return cast(Vector, arrays[name].astype(np.float32) * arrays[f"{name}_scale"])


def _unit(vector: Vector) -> Vector:
    length = float(np.sqrt(np.square(vector).sum()))
    return (vector / length).astype(np.float32) if length else vector
