"""Username and password in the JSON body of a login request."""

from __future__ import annotations

from typing import cast


class CredentialsError(Exception):
    """The body of a login request is not usable; the framework answers with its own page for the status.

    Attributes:
        status: HTTP status code: 400 or 415.
        description: Fixed sentence for the client.
    """

    def __init__(self, status: int, description: str) -> None:
        """Keep status and description."""
        self.status = status
        self.description = description
        super().__init__(description)


def check_content_type(content_type: str | None) -> None:
    """Accept ``application/json`` and types with the suffix ``+json``, in any letter case and with any parameters.

    Raises:
        CredentialsError: 415, another type or none.
    """
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise CredentialsError(415, "expected a JSON object, of the content type application/json")


def username_and_password(body: object) -> tuple[object, object]:
    """Return the members ``username`` and ``password`` of a parsed JSON body, None for an absent one.

    Args:
        body: The JSON value; None if it could not be parsed.

    Raises:
        CredentialsError: 400, the value is not an object.
    """
    if not isinstance(body, dict):
        raise CredentialsError(400, "expected a JSON object with the members username and password")
    members = cast("dict[str, object]", body)
    return members.get("username"), members.get("password")
