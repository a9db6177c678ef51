"""Views with the new names beside views with the old ones, in one application."""

import flask
import pytest

import praetorian_flask
import praetorian_flask.compat as flask_praetorian
from praetorian_core.errors import AuthenticationError, EarlyRefreshError, RevokedTokenError


def name_both():
    """Return the answers of both packages' helpers for the current token."""
    return flask.jsonify(
        users=[praetorian_flask.current_user().username, flask_praetorian.current_user().username],
        roles=[sorted(praetorian_flask.current_rolenames()), sorted(flask_praetorian.current_rolenames())],
        claims=[dict(praetorian_flask.current_custom_claims()), flask_praetorian.current_custom_claims()],
    )


@pytest.fixture(params=["FLASK_PRAETORIAN", "STANDARD"])
def shop(request, make):
    """Return an application whose views are guarded by decorators of both generations, and its guard."""
    revoked = set()
    app, guard = make(is_blacklisted=revoked.__contains__, PRAETORIAN_LAYOUT=request.param)
    guard.revoked = revoked
    app.add_url_rule("/old", "old", flask_praetorian.auth_required(name_both))
    app.add_url_rule("/new", "new", praetorian_flask.auth_required(name_both))
    app.add_url_rule(
        "/both", "both", praetorian_flask.auth_required(flask_praetorian.roles_required("admin")(name_both))
    )

    @app.post("/login")
    def login():
        user = praetorian_flask.authenticate(*praetorian_flask.credentials())
        return {"token": praetorian_flask.current_guard().issue(user, plan="gold")}

    return app, guard


def bearer(token):
    """Return the header of a token."""
    return {"Authorization": f"Bearer {token}"}


class TestWalkingOn:
    """One view after another moves."""

    @pytest.mark.parametrize("path", ["/old", "/new", "/both"])
    def test_tokens_of_both(self, shop, users, path):
        """A token of either generation opens views of both, and the helpers of both describe it."""
        app, guard = shop
        client = app.test_client()
        for token in (guard.encode_jwt_token(users.identify(1), a=1), guard.guard.issue(users.identify(1), a=1)):
            response = client.get(path, headers=bearer(token))

            assert {
                "users": ["alice", "alice"],
                "roles": [["admin", "editor"]] * 2,
                "claims": [{"a": 1}] * 2,
            } == response.json

    def test_new_login(self, shop):
        """A login with the new names gives a token of the user, and asks whether the user is valid."""
        app, guard = shop
        client = app.test_client()
        answers = {
            name: client.post("/login", json={"username": name, "password": "pw"}) for name in ("alice", "carol", "zoe")
        }

        assert {"alice": 200, "carol": 401, "zoe": 401} == {
            name: answer.status_code for name, answer in answers.items()
        }
        assert ("gold", "admin,editor") == tuple(
            guard.extract_jwt_token(answers["alice"].json["token"])[name] for name in ("plan", "rls")
        )
        assert "carol" == guard.authenticate("carol", "pw").username

    def test_validation_method(self, make, users):
        """A login with the new names asks the method that ``USER_CLASS_VALIDATION_METHOD`` names."""

        class Person(users):
            is_valid = None

            def is_open(self):
                return self.valid

        everyone = {key: Person(*vars_of(user)) for key, user in users.everyone.items()}
        Person.everyone = everyone
        _, guard = make(Person, USER_CLASS_VALIDATION_METHOD="is_open")

        assert 1 == guard.guard.authenticate("alice", "pw").identity
        with pytest.raises(AuthenticationError):
            guard.guard.authenticate("carol", "pw")

    @pytest.mark.parametrize("path", ["/old", "/new", "/both"])
    def test_blacklist(self, shop, users, path):
        """``is_blacklisted`` rejects a token in views of both generations, with the old answer."""
        app, guard = shop
        token = guard.encode_jwt_token(users.identify(1))
        guard.revoked.add(guard.extract_jwt_token(token)["jti"])
        response = app.test_client().get(path, headers=bearer(token))

        assert (403, "BlacklistedError") == (response.status_code, response.json["error"])

    def test_blacklist_beyond_views(self, shop, users):
        """It rejects the token on refresh too, and a mail's token on use."""
        _, guard = shop
        token = guard.encode_jwt_token(users.identify(1))
        with pytest.raises(EarlyRefreshError):
            guard.guard.refresh(token)
        mailed = guard.encode_jwt_token(users.identify(1), is_reset_token=True)

        assert 1 == guard.guard.read_action(mailed, "reset").user.identity
        for each, purpose in ((token, "access"), (mailed, "reset")):
            guard.revoked.add(guard.extract_jwt_token(each, flask_praetorian.constants.AccessType[purpose])["jti"])
        for call in (
            lambda: guard.guard.refresh(token),
            lambda: guard.guard.verify(token),
            lambda: guard.guard.confirm(token, "pw"),
            lambda: guard.guard.read_action(mailed, "reset"),
            lambda: guard.guard.redeem_action(mailed, "reset", once=False),
            lambda: guard.guard.reset_password(mailed, "a new password of length"),
        ):
            with pytest.raises(RevokedTokenError):
                call()

    def test_early_refresh(self, make, users):
        """``PRAETORIAN_EARLY_REFRESH`` holds for the refresh of both generations."""
        _, guard = make(JWT_ACCESS_LIFESPAN={"seconds": 20}, PRAETORIAN_EARLY_REFRESH=30)
        token = guard.encode_jwt_token(users.identify(1), override_access_lifespan={"seconds": 15})

        assert guard.guard.verify(guard.guard.refresh(token)).identity == 1
        assert guard.extract_jwt_token(guard.refresh_jwt_token(token))["id"] == 1


def vars_of(user):
    """Return the arguments that made a user."""
    return user.identity, user.username, user.password, user.rolenames, user.valid, user.email
