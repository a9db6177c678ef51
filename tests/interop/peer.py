"""The other side: the published flask-praetorian, one line of JSON for each question.

Run by an interpreter of its own, in whose environment only flask-praetorian and what it needs are installed. A question
is ``{"call": name, "args": {...}}``; the answer is ``{"value": ...}``, or ``{"error": class name}`` where
flask-praetorian refuses. Anything else that goes wrong ends this process with a traceback.
"""

import json
import sys
import uuid

import flask
from flask_mailman import Mail
from flask_praetorian import (
    Praetorian,
    auth_required,
    current_custom_claims,
    current_rolenames,
    current_user,
    current_user_id,
    roles_accepted,
    roles_required,
)
from flask_praetorian.base import AccessType
from flask_praetorian.exceptions import PraetorianError


class User:
    """A user as flask-praetorian wants one; it is found by identity as a token spells it."""

    everybody = ()

    def __init__(self, username="", identity=None, rolenames=(), *, valid=True, text_of=None):
        self.username = username
        # What JSON has no word for comes as text: the user of flask-praetorian has the real thing.
        self.identity = uuid.UUID(identity) if text_of == "uuid" else identity
        self.rolenames = list(rolenames)
        self.valid = valid
        self.password = "a stored hash"

    @classmethod
    def lookup(cls, username):
        """Return the user of this name, or None."""
        return next((user for user in cls.everybody if user.username == username), None)

    @classmethod
    def identify(cls, identity):
        """Return the user of this identity, or None; UUIDs arrive as text."""
        return next((user for user in cls.everybody if identity in {user.identity, str(user.identity)}), None)

    def is_valid(self):
        """Return whether the account is active."""
        return self.valid


class Peer:
    """One Flask application under flask-praetorian; each public method answers one kind of question."""

    def start(self, secret, users):
        """Start again with another secret and other users."""
        User.everybody = tuple(User(**facts) for facts in users)
        self.app = flask.Flask("peer")
        self.app.config.update(
            SECRET_KEY=secret,
            MAIL_BACKEND="locmem",
            PRAETORIAN_CONFIRMATION_SENDER="peer@example.com",
            PRAETORIAN_RESET_SENDER="peer@example.com",
        )
        Mail(self.app)
        self.guard = Praetorian(self.app, User)

        def describe():
            return flask.jsonify(
                user_id=current_user_id(),
                username=current_user().username,
                rolenames=sorted(current_rolenames()),
                claims=current_custom_claims(),
            )

        self.app.add_url_rule("/protected", "protected", auth_required(describe))
        self.app.add_url_rule("/all", "all", roles_required("admin", "editor")(describe))
        self.app.add_url_rule("/any", "any", roles_accepted("admin", "operator")(describe))

    def change(self, username, **facts):
        """Give a user other attributes."""
        for name, value in facts.items():
            setattr(User.lookup(username), name, value)

    def encode(self, username, claims=None, **options):
        """Issue a session token."""
        return self.guard.encode_jwt_token(User.lookup(username), **options, **(claims or {}))

    def encode_eternal(self, username, claims=None):
        """Issue a token that does not expire in our time."""
        return self.guard.encode_eternal_jwt_token(User.lookup(username), **(claims or {}))

    def send_registration(self, username):
        """Mail a registration token, and return it."""
        return self.guard.send_registration_email("user@example.com", User.lookup(username))["token"]

    def send_reset(self, username):
        """Mail a reset token, and return it."""
        return self.guard.send_reset_email("user@example.com", User.lookup(username))["token"]

    def extract(self, token, access_type="access"):
        """Return the payload of a token that is good for a kind of access."""
        return self.guard.extract_jwt_token(token, access_type=AccessType[access_type])

    def refresh(self, token, **options):
        """Exchange a token."""
        return self.guard.refresh_jwt_token(token, **options)

    def redeem_registration(self, token):
        """Return the name of the user of a registration token."""
        return self.guard.get_user_from_registration_token(token).username

    def redeem_reset(self, token):
        """Return the name of the user of a reset token."""
        return self.guard.validate_reset_token(token).username

    def get(self, path, token):
        """Request a protected route."""
        response = self.app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})
        return {"status": response.status_code, "json": response.get_json()}

    def answer(self, call, args):
        """Answer one question."""
        # No question is a request: it gets a context of its own, since flask-praetorian keeps the payload there.
        if call == "start":
            return {"value": self.start(**args)}
        with self.app.app_context():
            try:
                return {"value": getattr(self, call)(**args)}
            except PraetorianError as error:
                return {"error": type(error).__name__}


def main():
    """Answer until the input ends."""
    peer = Peer()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(peer.answer(**json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
