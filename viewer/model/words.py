"""Arithmetic on text, eight bytes at a time: digits, hex digits, and where a sign is.

A word is a `numpy.uint64` whose lowest byte is the first character; each function takes an array of
them, one for each line.
"""

import calendar
import secrets
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

u = np.uint64
ONES: Final = u(0x0101010101010101)
HIGHS: Final = u(0x8080808080808080)
ZEROS: Final = u(0x3030303030303030)
HALVES: Final = u(0xF0F0F0F0F0F0F0F0)
POWERS: Final = np.array([10**n for n in range(20)], dtype=np.uint64)
SHIFTS: Final = np.array([0, *(64 - 8 * n for n in range(1, 9))], dtype=np.uint64)
FILLS: Final = np.array([int.from_bytes(b"0" * (8 - n), "little") for n in range(9)], np.uint64)
KEYS: Final = [u(secrets.randbits(64) | 1) for _ in range(8)]
"""Random, so that nobody can make two names alike on purpose."""


def word(text: bytes) -> np.uint64:
    """Return up to eight characters as a word, zeros behind them."""
    return u(int.from_bytes(text.ljust(8, b"\0"), "little"))


QUOTES: Final = ONES * u(0x22)
BACKSLASHES: Final = ONES * u(0x5C)
BYTE: Final = u(0xFF)
LOW32: Final = u(0xFFFFFFFF)


def zero_bytes(words: U64) -> U64:
    """Return a word whose lowest set bit is the top bit of the first zero byte; 0 without one."""
    found: U64 = (words - ONES) & ~words & HIGHS
    return found


def bytes_before(found: U64) -> U64:
    """Return how many bytes come before the first one that `zero_bytes` found, 0 … 7."""
    low: U64 = found & (~found + u(1))
    count: U64 = np.bitwise_count(low - u(1)).astype(np.uint64) >> u(3)
    return count


def eight_digits(words: U64) -> U64:
    """Return the number that eight ASCII digits spell."""
    words = words - ZEROS
    words = words * u(10) + (words >> u(8))
    pair = u(0x000000FF000000FF)
    return (
        (words & pair) * u(0x000F424000000064) + ((words >> u(16)) & pair) * u(0x0000271000000001)
    ) >> u(32)


def all_digits(words: U64) -> Mask:
    """Tell which words are eight ASCII digits."""
    above = words + u(0x0606060606060606)
    fine: Mask = ((words & HALVES) == ZEROS) & ((above & HALVES) == ZEROS)
    return fine


def hex_half(words: U64) -> tuple[U64, Mask]:
    """Return the number that eight lower-case hex digits spell, and whether they are such."""
    low = u(0x0F0F0F0F0F0F0F0F)
    nibbles = (words & low) + ((words >> u(6)) & ONES) * u(9)
    nibbles &= low
    letters = ((nibbles + u(0x0606060606060606)) >> u(4)) & ONES
    fine = nibbles + ZEROS + letters * u(0x27) == words
    value = ((nibbles << u(4)) | (nibbles >> u(8))) & u(0x00FF00FF00FF00FF)
    value = ((value << u(8)) | (value >> u(16))) & u(0x0000FFFF0000FFFF)
    return ((value << u(16)) | (value >> u(32))) & LOW32, fine


def number(words: U64, ends: bytes) -> tuple[U64, U64, Mask]:
    """Read the digits that words begin with: their number, how many, whether all is well.

    8 of them: none of `ends` is in the word.
    """
    found = zero_bytes(words ^ (ONES * u(ends[0])))
    for end in ends[1:]:
        found |= zero_bytes(words ^ (ONES * u(end)))
    count = np.where(found == 0, u(8), bytes_before(found))
    spelled = (words << SHIFTS[count]) | FILLS[count]  # digits at the right, zeros before them
    return eight_digits(spelled), count, all_digits(spelled) & (count > 0)


def midnight(text: bytes) -> int | None:
    """Return midnight of ``YYYY-MM-DD`` in µs, None if that is no day."""
    try:
        day = date.fromisoformat(text.decode("ascii"))
    except ValueError:
        return None
    if day.isoformat().encode() != text:
        return None
    return calendar.timegm(day.timetuple()) * 1_000_000
