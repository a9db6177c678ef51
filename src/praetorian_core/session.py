"""Sessions as an application shows them to their user."""

from __future__ import annotations

import attrs

from praetorian_core.errors import ConfigurationError
from praetorian_core.principal import Principal

MAX_LABEL = 64
"""The maximum length of a label, in UTF-16 code units."""


@attrs.frozen(kw_only=True)
class SessionInfo:
    """One session of a user.

    Attributes:
        session_id: The id of the session. It names the session and grants nothing.
        issued_at: When the session began, in seconds since the epoch.
        refreshed_at: When it was last refreshed, in seconds since the epoch; None if never, or if it began in the layout
            ``FLASK_PRAETORIAN``, which does not count refreshes.
        ends_at: When it ends, in seconds since the epoch. With ``JWT_IDLE_LIFESPAN`` a refresh may move this.
        label: The label that ``issue`` was given, cleaned; None if there is none. A client may have chosen it.
        is_current: Whether it is the session that the caller named as the current one.
    """

    session_id: str
    issued_at: int
    refreshed_at: int | None
    ends_at: int
    label: str | None
    is_current: bool


@attrs.frozen(kw_only=True)
class IssuedSession:
    """A new session.

    Attributes:
        token: Its first token.
        principal: The principal that ``verify`` returns for the token.
    """

    token: str = attrs.field(repr=False)
    principal: Principal

    @property
    def session_id(self) -> str:
        """The id of the session."""
        return self.principal.session_id


def clean_label(label: object) -> str | None:
    """Return a label as it is stored: in one line of printable characters, cut to ``MAX_LABEL``.

    A label often comes from a ``User-Agent`` header, which the client chooses, so no text is rejected.

    Args:
        label: The text, or None.

    Returns:
        The label; None for None and for a text without a printable character.

    Raises:
        ConfigurationError: It is neither a str nor None.
    """
    if label is None:
        return None
    if not isinstance(label, str):
        raise ConfigurationError(f"label must be a str or None; got {type(label).__name__}")
    # Also the characters that change the direction of the text, and lone surrogates.
    printable = "".join(char if char.isprintable() else " " for char in str.__str__(label))
    octets = " ".join(printable.split()).encode("utf-16-le")[: 2 * MAX_LABEL]
    # A character of two units may have been cut in half.
    return octets.decode("utf-16-le", "ignore").rstrip() or None
