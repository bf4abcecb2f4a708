"""How close two words are: equal, one letter apart, spelled or sounding alike, or different."""

from jellyfish import metaphone, soundex
from rapidfuzz.distance import OSA, JaroWinkler

SAME, ONE_LETTER, ALIKE, DIFFERENT = "same", "one letter", "alike", "different"

_ALIKE = 0.9
_LONG = 7
_DIGITS = frozenset("0123456789")


def closeness(one: str, other: str) -> str:
    """How close two folded words are. One letter: typed wrongly, left out, added, or exchanged with its neighbour."""
    if one == other:
        return SAME
    shorter = min(len(one), len(other))
    if shorter < 3:
        return DIFFERENT
    distance = OSA.distance(one, other, score_cutoff=2)
    if distance == 1:
        return ONE_LETTER
    if distance == 2 and shorter >= _LONG:
        return ALIKE
    if shorter < 4 or one[0] != other[0]:
        return DIFFERENT
    return ALIKE if JaroWinkler.similarity(one, other) >= _ALIKE or metaphone(one) == metaphone(other) else DIFFERENT


def closeness_of_names(one: str, other: str) -> str:
    """As `closeness`, but names with different digits in them are different: Unit 1 and Unit 2."""
    return closeness(one, other) if same_digits(one, other) else DIFFERENT


def one_letter_apart(one: str, other: str) -> bool:
    """Whether one letter, not a digit, is typed wrongly, left out, added, or exchanged with its neighbour."""
    return OSA.distance(one, other, score_cutoff=1) == 1 and same_digits(one, other)


def same_digits(one: str, other: str) -> bool:
    """Whether the two have the same digits in the same order."""
    if _DIGITS.isdisjoint(one) and _DIGITS.isdisjoint(other):
        return True
    return [c for c in one if c in _DIGITS] == [c for c in other if c in _DIGITS]


def rough_sound(word: str) -> str:
    """A code that words have in common which may sound alike, and some others too; the word itself if it has digits."""
    return soundex(word) if word.isalpha() else word
