"""Digests that name a user or a session without revealing it."""

from __future__ import annotations

import hashlib


def digest(text: str, digits: int = 32) -> str:
    """Return the first hexadecimal digits of the SHA-256 of a text, which may hold lone surrogates."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]
