"""The methods of ``Praetorian`` that send mails with a token, and validate such tokens."""

from __future__ import annotations

from collections.abc import Mapping

from praetorian_flask.compat import _mail
from praetorian_flask.compat._constants import AccessType
from praetorian_flask.compat._errors import MissingUserError, PraetorianError
from praetorian_flask.compat._guard_tokens import TokenMethods
from praetorian_flask.compat._moved import moved


class MailMethods(TokenMethods):
    """Send registration and reset mails."""

    @moved
    def send_registration_email(
        self,
        email: str,
        user: object = None,
        template: str | None = None,
        confirmation_sender: str | None = None,
        confirmation_uri: str | None = None,
        subject: str | None = None,
        override_access_lifespan: object = None,
    ) -> _mail.Notification:
        """Send a mail with a registration token, and return what was sent."""
        token = self.encode_jwt_token(
            user,
            override_access_lifespan=override_access_lifespan or self.confirmation_lifespan,
            bypass_user_check=True,
            is_registration_token=True,
        )
        return self.send_token_email(
            email,
            user=user,
            template=template or _mail.read_template(self.confirmation_template),
            action_sender=confirmation_sender or self.confirmation_sender,
            action_uri=confirmation_uri or self.confirmation_uri,
            subject=subject or self.confirmation_subject,
            custom_token=token,
        )

    @moved
    def send_reset_email(self, email: str, *args: object, **kwargs: object) -> _mail.Notification:
        """Send a mail with a reset token, and return what was sent.

        Args:
            email: The recipient. Without ``user`` it is looked up, and the mail goes to the ``email`` of the user found.
            args: ``user``, as since 1.6, or ``template, reset_sender, reset_uri, subject, override_access_lifespan``, as
                before.
            kwargs: The same by name.

        Raises:
            MissingUserError: There is no such user.
        """
        values = _bind(args, kwargs, ("user",), _OLD_RESET)
        user = values.get("user")
        if user is None:
            user = self._users.lookup(email)
            if user is None:
                raise MissingUserError("Could not find the requested user")
            email = str(getattr(user, "email", None) or email)
        token = self.encode_jwt_token(
            user,
            override_access_lifespan=values.get("override_access_lifespan") or self.reset_lifespan,
            is_reset_token=True,
        )
        return self.send_token_email(
            email,
            user=user,
            template=values.get("template") or _mail.read_template(self.reset_template),
            action_sender=values.get("reset_sender") or self.reset_sender,
            action_uri=values.get("reset_uri") or self.reset_uri,
            subject=values.get("subject") or self.reset_subject,
            custom_token=token,
        )

    @moved
    def send_token_email(self, email: str, *args: object, **kwargs: object) -> _mail.Notification:
        """Send a mail with a token, and return what was sent.

        Args:
            email: The recipient.
            args: ``template, action_sender, action_uri, subject, custom_token``, as since 1.6, or the same with ``user``
                before them, as before.
            kwargs: The same by name.

        Raises:
            PraetorianError: There is no token, sender or template, or the application has no mail extension.
            ServiceUnavailableError: The mail could not be sent; 503.
        """
        values = _bind(args, kwargs, _NEW_MAIL, _OLD_MAIL)
        if not values.get("custom_token"):
            raise PraetorianError("A custom_token is required to send notification email")
        if not values.get("action_sender"):
            raise PraetorianError("A sender is required to send a token bearing email")
        template = values.get("template") or _mail.read_template(self.confirmation_template)
        uri = values.get("action_uri")
        notification: _mail.Notification = {
            "result": None,
            "message": None,
            "user": str(values.get("user")),
            "email": email,
            "token": values["custom_token"],
            "subject": values.get("subject"),
            "confirmation_uri": uri,
            "action_uri": uri,
        }
        notification["message"] = _mail.render(str(template), notification)
        notification["result"] = _mail.send(notification, str(values["action_sender"]))
        return notification

    @moved
    def get_user_from_registration_token(self, token: str | bytes) -> object:
        """Return the user of a registration token; the token can be judged again.

        Raises:
            PraetorianError: See ``extract_jwt_token``; or the user does not exist.
        """
        return self._user_of(token, AccessType.register, "registration")

    @moved
    def validate_reset_token(self, token: str | bytes) -> object:
        """Return the user of a reset token; the token can be judged again.

        Raises:
            PraetorianError: See ``extract_jwt_token``; or the user does not exist.
        """
        return self._user_of(token, AccessType.reset, "reset")

    def _user_of(self, token: str | bytes, access_type: AccessType, name: str) -> object:
        data = self.extract_jwt_token(token, access_type=access_type)
        user = self.identify(data["id"])
        if user is None:
            raise PraetorianError(f"Could not identify the user from the {name} token")
        return user


_OLD_MAIL = ("user", "template", "action_sender", "action_uri", "subject", "override_access_lifespan", "custom_token")
_NEW_MAIL = ("template", "action_sender", "action_uri", "subject", "custom_token")
_OLD_RESET = ("template", "reset_sender", "reset_uri", "subject", "override_access_lifespan")


def _bind(
    args: tuple[object, ...], kwargs: Mapping[str, object], new: tuple[str, ...], old: tuple[str, ...]
) -> dict[str, object]:
    """Return arguments by name, whichever version they were written for.

    A template is a str and a user is not, so the first argument shows which version is meant; the older ones allowed None.

    Raises:
        TypeError: There are too many arguments, an unknown one, or one twice.
    """
    is_new = bool(args) and args[0] is not None and isinstance(args[0], str) == (new[0] == "template")
    names = new if is_new else old
    bound = dict(zip(names, args, strict=False))
    if len(args) > len(names) or not kwargs.keys() <= {*old, *new} or not bound.keys().isdisjoint(kwargs):
        raise TypeError(f"expected the arguments email, {', '.join(old)}, or email, {', '.join(new)}")
    return {**bound, **kwargs}
