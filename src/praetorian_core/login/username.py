"""Reduce a username to the text under which its login attempts are counted.

Databases differ in which names they equate (utf8mb4_0900_ai_ci of MySQL ignores accents and zero-width characters). Two
names that share a counter only make the limit stricter.
"""

from __future__ import annotations

import unicodedata

_COMPARED_LENGTH = 256
"""Only this many characters of a username are compared."""

_IGNORED_CATEGORIES = frozenset({"Mn", "Me", "Cf", "Cc"})
"""Unicode categories that some collations ignore: marks, formats, controls."""


def compared_name(username: object) -> str:
    """Return the text under which attempts to log in with a name are counted.

    Args:
        username: The presented name; anything but a text is no account, and all of it shares one counter.
    """
    if type(username) is not str:
        return ""
    # Normalization is quadratic in the combining characters, and the name comes from the client.
    name = username[:_COMPARED_LENGTH]
    # Twice, because a case-folded letter may need to be decomposed again.
    for _ in range(2):
        letters = unicodedata.normalize("NFKD", name)
        name = "".join(
            letter for letter in letters if unicodedata.category(letter) not in _IGNORED_CATEGORIES
        ).casefold()
    return name.strip()
