"""What flask-praetorian 1.6.2 does, observed by running it, row by row; what differs on purpose is in docs/migration.md.

The drop-in reads the time in one function, which the fixture ``clock`` replaces.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import flask
import flask_restx
import jwt
import pytest
from tests.flask.compat.conftest import SECRET

import praetorian_flask.compat as flask_praetorian
from praetorian_core.errors import CSRFError
from praetorian_flask.compat.constants import VITAM_AETERNUM, AccessType
from praetorian_flask.compat.exceptions import (
    AuthenticationError,
    BlacklistedError,
    ClaimCollisionError,
    ConfigurationError,
    EarlyRefreshError,
    ExpiredAccessError,
    ExpiredRefreshError,
    InvalidRegistrationToken,
    InvalidResetToken,
    InvalidTokenHeader,
    InvalidUserError,
    LegacyScheme,
    MissingClaimError,
    MissingRoleError,
    MissingToken,
    MissingUserError,
    MisusedRegistrationToken,
    MisusedResetToken,
    PraetorianError,
)

ACCESS, REFRESH = 15 * 60, 30 * 86_400
PBKDF2 = (
    "$pbkdf2-sha512$25000$lpIyZuy9t/Yew/ifc.6dUw$"
    "oaamfCY1HmX8LtHnA61JtRVl2vEzvqIGBFdKbBmcpHeqg1dSGqQGCmYDl4vDBJQsT0qGdZ.kYkNBYgfWEVfcYQ"
)


def claims_of(token):
    """Return the claims of a token, as PyJWT reads them."""
    return jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})


def signed(**claims):
    """Return a token with these claims, as another machine would sign it."""
    return jwt.encode(claims, SECRET, "HS256")


class TestConfiguration:
    """Configuration keys."""

    def test_secret_is_required(self, make):
        """``None`` is an error of the package."""
        with pytest.raises(PraetorianError, match="SECRET_KEY"):
            make(SECRET_KEY=None)

    @pytest.mark.parametrize("secret", ["dev", "top secret", b"bytes", "x" * 31])
    def test_weak_secrets(self, make, secret, caplog):
        """Secrets that are short or placeholders are taken, with a warning that says how to change them."""
        _, guard = make(SECRET_KEY=secret)
        token = guard.encode_jwt_token(guard.identify(1))

        assert 1 == guard.extract_jwt_token(token)["id"]
        assert "SECRET_KEY_FALLBACKS = [the old one]; all users stay logged in" in caplog.text
        assert str(secret) not in caplog.text.replace("SECRET_KEY", "")

    def test_change_of_secret(self, make):
        """With the old secret among the fallbacks, old tokens stay good and new ones are of the new secret."""
        _, old = make(SECRET_KEY="dev")
        _, new = make(SECRET_KEY_FALLBACKS=["dev"])
        token = old.encode_jwt_token(old.identify(1))

        assert 1 == new.extract_jwt_token(token)["id"]
        assert 1 == claims_of(new.encode_jwt_token(new.identify(1)))["id"]

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [({"minutes": 2}, 120), ("2 minutes", 120), ("1h", 3600), (timedelta(seconds=7), 7), ({"weeks": 1}, 604_800)],
        ids=["dict", "text", "short", "timedelta", "weeks"],
    )
    def test_lifespans(self, make, value, seconds, clock):
        """A lifespan is a dict, a text or a timedelta."""
        _, guard = make(JWT_ACCESS_LIFESPAN=value)
        data = guard.extract_jwt_token(guard.encode_jwt_token(guard.identify(1)))

        assert (seconds, REFRESH) == (data["exp"] - clock.now, data["rf_exp"] - clock.now)

    def test_access_longer_than_refresh(self, make, clock):
        """Access is cut at the end of refresh."""
        _, guard = make(JWT_ACCESS_LIFESPAN={"days": 40})

        assert clock.now + REFRESH == claims_of(guard.encode_jwt_token(guard.identify(1)))["exp"]

    @pytest.mark.parametrize("value", ["never", {"fortnights": 1}, -1], ids=["text", "unit", "negative"])
    def test_bad_lifespan(self, make, value):
        """A lifespan that cannot be read is an error of the package."""
        with pytest.raises(ConfigurationError):
            make(JWT_REFRESH_LIFESPAN=value)

    def test_unknown_keys(self, make, caplog):
        """A key that does nothing is named in the log."""
        make(PRAETORIAN_ACESS=1, PRAETORIAN_CONFIRMATION_URI="https://a.example")

        assert "PRAETORIAN_ACESS is not a setting" in caplog.text
        assert "PRAETORIAN_CONFIRMATION_URI" not in caplog.text

    def test_standard_layout(self, make):
        """``PRAETORIAN_LAYOUT`` chooses the layout of new tokens; both are read, as the same dict."""
        _, old = make()
        _, new = make(PRAETORIAN_LAYOUT="STANDARD")
        legacy, standard = (guard.encode_jwt_token(guard.identify(1), plan="gold") for guard in (old, new))

        assert "sub" in claims_of(standard)
        assert [{"id": 1, "rls": "admin,editor", "plan": "gold"}] * 2 == [
            {name: guard.extract_jwt_token(token)[name] for name in ("id", "rls", "plan")}
            for guard, token in ((old, standard), (new, legacy))
        ]

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    def test_algorithms(self, make, algorithm):
        """Another HMAC algorithm signs, and every allowed one is accepted."""
        _, guard = make(JWT_ALGORITHM=algorithm, JWT_ALLOWED_ALGORITHMS=[algorithm, "HS256"], SECRET_KEY=SECRET * 2)
        token = guard.encode_jwt_token(guard.identify(1))
        old = jwt.encode(claims_of_any(token, SECRET * 2), SECRET * 2, "HS256")

        assert algorithm == jwt.get_unverified_header(token)["alg"]
        assert 1 == guard.extract_jwt_token(old)["id"]


def claims_of_any(token, secret):
    return jwt.decode(token, secret, algorithms=["HS256", "HS384", "HS512"])


class TestInit:
    """The extension."""

    def test_inert_without_a_user_class(self):
        """``Praetorian(app)`` alone sets nothing up, and its methods say so."""
        guard = flask_praetorian.Praetorian(flask.Flask(__name__))
        with pytest.raises(PraetorianError, match="must be initialized"):
            guard.hash_password("pw")

    def test_extension(self, make):
        """The guard is the application's extension, and ``init_app`` returns the application."""
        app, guard = make()
        with app.app_context():
            assert guard is flask_praetorian.utilities.current_guard()

    def test_identify_is_required(self, make):
        """A user class without ``identify`` is refused; ``lookup`` may be missing until it is needed."""
        only_identify = type("Only", (), {"identify": classmethod(lambda cls, identity: None)})
        _, guard = make(only_identify)
        with pytest.raises(PraetorianError, match="lookup"):
            guard.authenticate("alice", "pw")
        with pytest.raises(PraetorianError, match="identify"):
            make(type("None_", (), {}))

    def test_never_instantiated(self, make, users):
        """A user class whose constructor raises is taken."""

        class Fussy(users):
            def __init__(self):
                raise RuntimeError

        make(Fussy)

    def test_last_guard_wins(self, make, users):
        """A second guard on one application takes the place of the first, and both go on working."""
        app, first = make()
        second = flask_praetorian.Praetorian(app, users)
        token = first.encode_jwt_token(users.identify(1))
        with app.app_context():
            assert second is flask_praetorian.utilities.current_guard()
        assert 1 == second.extract_jwt_token(token)["id"]


class TestPasswords:
    """Passwords."""

    def test_authenticate(self, make, users):
        """The right password returns the user itself."""
        _, guard = make()

        assert users.identify(1) is guard.authenticate("alice", "pw")

    def test_validity_is_not_asked(self, make, users):
        """A disabled user authenticates; the token is refused later."""
        _, guard = make()

        assert users.identify(3) is guard.authenticate("carol", "pw")

    @pytest.mark.parametrize(("username", "password"), [("alice", "x"), ("eve", "pw"), ("dave", "pw"), ("alice", None)])
    def test_one_answer(self, make, username, password):
        """Unknown users, wrong passwords and users without a password get one answer."""
        _, guard = make()
        with pytest.raises(AuthenticationError, match="username and/or password are incorrect"):
            guard.authenticate(username, password)

    def test_hash_password(self, make):
        """Any length is hashed, and ``encrypt_password`` is the deprecated name."""
        _, guard = make()
        with pytest.warns(DeprecationWarning, match="hash_password"):
            hashed = guard.encrypt_password("x")

        assert (True, False) == (guard._verify_password("x", hashed), guard._verify_password("y", hashed))

    def test_pwd_ctx(self, make):
        """``pwd_ctx`` hashes, verifies and identifies; ``update`` does nothing, and says so."""
        _, guard = make()
        hashed = guard.pwd_ctx.hash("pw")
        with pytest.warns(DeprecationWarning, match="no effect"):
            guard.pwd_ctx.update(default="bcrypt")

        assert guard.pwd_ctx.verify("pw", hashed) is True
        assert ["argon2", "pbkdf2_sha512", None] == [guard.pwd_ctx.identify(each) for each in (hashed, PBKDF2, "x")]
        assert [False, True] == [guard.pwd_ctx.needs_update(each) for each in (hashed, PBKDF2)]

    def test_verify_and_update(self, make, users):
        """A current hash is left; an outdated one needs the right password."""
        _, guard = make()
        alice, bob = users.identify(1), users.identify(2)
        bob.password = guard.pwd_ctx.hash("pw").replace("m=8,", "m=16,")
        current = alice.password

        assert (alice, current) == (guard.verify_and_update(alice), alice.password)
        with pytest.raises(LegacyScheme):
            guard.verify_and_update(bob)
        with pytest.raises(AuthenticationError):
            guard.verify_and_update(bob, "wrong")


class TestEncode:
    """New tokens."""

    def test_claims(self, make, clock):
        """The claims of a token, and their types."""
        _, guard = make()
        claims = claims_of(guard.encode_jwt_token(guard.identify(1), plan="gold"))
        jti = claims.pop("jti")

        assert 4 == UUID(jti).version
        assert {
            "iat": clock.now,
            "exp": clock.now + ACCESS,
            "rf_exp": clock.now + REFRESH,
            "id": 1,
            "rls": "admin,editor",
            "plan": "gold",
        } == claims

    @pytest.mark.parametrize(
        "override", [timedelta(minutes=1), {"minutes": 1}, "1 minute"], ids=["delta", "dict", "text"]
    )
    def test_overrides(self, make, clock, override):
        """Both lifespans can be chosen for one token, and access is cut."""
        _, guard = make()
        user = guard.identify(1)
        short = claims_of(guard.encode_jwt_token(user, override_access_lifespan=override))
        ending = claims_of(guard.encode_jwt_token(user, override_refresh_lifespan=override))

        assert (60, 60, 60) == tuple(value - clock.now for value in (short["exp"], ending["exp"], ending["rf_exp"]))

    @pytest.mark.parametrize("name", ["iat", "exp", "rf_exp", "jti", "id", "rls", "is_ert", "is_prt"])
    def test_collision(self, make, name):
        """A reserved claim is refused."""
        _, guard = make()
        with pytest.raises(ClaimCollisionError):
            guard.encode_jwt_token(guard.identify(1), **{name: 1})

    @pytest.mark.parametrize("name", ["sub", "roles", "aud", "gen", "sid", "action"])
    def test_other_names(self, make, name):
        """Any other name is free, and comes back."""
        _, guard = make()
        data = guard.extract_jwt_token(guard.encode_jwt_token(guard.identify(1), **{name: "x"}))

        assert "x" == data[name]

    def test_users(self, make, users):
        """No user and an invalid one get no token, unless the check is bypassed."""
        _, guard = make()
        with pytest.raises(MissingUserError):
            guard.encode_jwt_token(None)
        with pytest.raises(InvalidUserError):
            guard.encode_jwt_token(users.identify(3))

        assert 3 == claims_of(guard.encode_jwt_token(users.identify(3), bypass_user_check=True))["id"]

    @pytest.mark.parametrize("valid", [0, None, "", []], ids=repr)
    def test_falsy_is_invalid(self, make, users, valid):
        """Any falsy answer of the validation method is a no, and any truthy one a yes."""
        _, guard = make()
        users.identify(1).valid = valid
        with pytest.raises(InvalidUserError):
            guard.encode_jwt_token(users.identify(1))
        users.identify(1).valid = "yes"

        assert guard.encode_jwt_token(users.identify(1))

    def test_roles(self, make, users):
        """Names are stripped and empty ones dropped; a comma in a name is refused."""
        _, guard = make()
        users.identify(1).rolenames = [" admin ", "", "editor"]
        assert "admin,editor" == claims_of(guard.encode_jwt_token(users.identify(1)))["rls"]
        users.identify(1).rolenames = ["guest,admin"]
        with pytest.raises(ConfigurationError, match="must not hold a comma"):
            guard.encode_jwt_token(users.identify(1))

    def test_uuid_identity(self, make, users):
        """An identity that JSON cannot carry becomes its text."""
        _, guard = make()
        users.identify(1).identity = UUID(int=7)

        assert str(UUID(int=7)) == claims_of(guard.encode_jwt_token(users.identify(1)))["id"]

    def test_eternal(self, make, clock):
        """An eternal token lasts a million days, and can be read."""
        _, guard = make()
        token = guard.encode_eternal_jwt_token(guard.identify(1))

        assert clock.now + VITAM_AETERNUM.total_seconds() == guard.extract_jwt_token(token)["rf_exp"]

    def test_hooks(self, make):
        """Hooks get the claims as keywords, and what they raise goes through."""
        seen = []
        _, guard = make(encode_hook=lambda **claims: seen.append(claims["id"]), refresh_hook=lambda **_: 1 / 0)
        token = guard.encode_jwt_token(guard.identify(1), override_access_lifespan={"seconds": 0})

        assert [1] == seen
        with pytest.raises(ZeroDivisionError):
            guard.refresh_jwt_token(token)

    def test_pack_header(self, make):
        """A header for a client."""
        app, guard = make(JWT_HEADER_TYPE="JWT")
        header = guard.pack_header_for_user(guard.identify(1), plan="gold")

        assert "JWT " == header["Authorization"][:4]
        with app.test_request_context(headers=header):
            assert "gold" == guard.extract_jwt_token(guard.read_token())["plan"]


class TestExtract:
    """The order and the deadlines of validation."""

    @pytest.mark.parametrize(("late", "error"), [(-1, None), (0, ExpiredAccessError), (1, ExpiredAccessError)])
    def test_access(self, make, clock, late, error):
        """Access ends at ``exp``; a dead token is still expired for access."""
        _, guard = make()
        token = guard.encode_jwt_token(guard.identify(1))
        clock.tick(ACCESS + late)

        assert error is raised_by(guard.extract_jwt_token, token)

    @pytest.mark.parametrize(
        ("after", "error"),
        [
            (ACCESS - 1, EarlyRefreshError),
            (ACCESS, None),
            (REFRESH - 1, None),
            (REFRESH, ExpiredRefreshError),
        ],
        ids=["exp-1", "exp", "rf_exp-1", "rf_exp"],
    )
    def test_refresh(self, make, clock, after, error):
        """Refresh works from ``exp`` up to ``rf_exp``."""
        _, guard = make()
        token = guard.encode_jwt_token(guard.identify(1))
        clock.tick(after)

        assert error is raised_by(guard.refresh_jwt_token, token)

    def test_early_refresh(self, make, clock):
        """``PRAETORIAN_EARLY_REFRESH`` opens it before ``exp``."""
        _, guard = make(PRAETORIAN_EARLY_REFRESH=30)
        token = guard.encode_jwt_token(guard.identify(1))
        clock.tick(ACCESS - 31)
        assert EarlyRefreshError is raised_by(guard.refresh_jwt_token, token)
        clock.tick(1)
        assert None is raised_by(guard.refresh_jwt_token, token)

    @pytest.mark.parametrize(
        "form", [str, str.encode, lambda token: f"{token}\n".encode()], ids=["str", "bytes", "line"]
    )
    def test_forms_of_a_token(self, make, clock, form):
        """A token may be bytes, as from the body of a request."""
        _, guard = make()
        token = guard.encode_jwt_token(guard.identify(1))
        clock.tick(ACCESS)

        assert 1 == claims_of(guard.refresh_jwt_token(form(token)))["id"]

    @pytest.mark.parametrize(
        ("purpose", "errors"),
        [
            (AccessType.access, [None, MisusedRegistrationToken, MisusedResetToken]),
            (AccessType.refresh, [EarlyRefreshError, MisusedRegistrationToken, MisusedResetToken]),
            (AccessType.register, [InvalidRegistrationToken, None, InvalidRegistrationToken]),
            (AccessType.reset, [InvalidResetToken, MisusedRegistrationToken, None]),
        ],
        ids=lambda value: value.name if isinstance(value, AccessType) else None,
    )
    def test_purposes(self, make, purpose, errors):
        """Each kind of token serves its own purpose."""
        _, guard = make()
        user = guard.identify(1)
        tokens = [
            guard.encode_jwt_token(user),
            guard.encode_jwt_token(user, is_registration_token=True),
            guard.encode_jwt_token(user, is_reset_token=True),
        ]

        assert errors == [raised_by(guard.extract_jwt_token, token, purpose) for token in tokens]

    @pytest.mark.parametrize("name", ["jti", "id", "exp", "rf_exp", "iat"])
    def test_missing_claims(self, make, clock, name):
        """Each claim must be there."""
        _, guard = make()
        claims = claims_of(guard.encode_jwt_token(guard.identify(1)))
        del claims[name]

        assert MissingClaimError is raised_by(guard.extract_jwt_token, signed(**claims))

    @pytest.mark.parametrize(
        "change",
        [{"rf_exp": "soon"}, {"exp": 1.5}, {"id": True}, {"jti": 7}, {"rls": ["admin"]}, {"iat": 2**60}],
        ids=repr,
    )
    def test_malformed_claims(self, make, clock, change):
        """A claim of a wrong type is refused, and is no 500."""
        _, guard = make()
        claims = {**claims_of(guard.encode_jwt_token(guard.identify(1))), **change}

        assert InvalidTokenHeader is raised_by(guard.extract_jwt_token, signed(**claims))

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", b"\xff", None, 7], ids=repr)
    def test_garbage(self, make, token):
        """Text that is not a token is refused."""
        _, guard = make()

        assert InvalidTokenHeader is raised_by(guard.extract_jwt_token, token)

    def test_blacklist_comes_first(self, make, clock):
        """A revoked token is revoked, expired or not; a truthy answer is enough, and the ``jti`` survives a refresh."""
        revoked = set()
        _, guard = make(is_blacklisted=lambda jti: jti in revoked and 1)
        token = guard.encode_jwt_token(guard.identify(1))
        clock.tick(ACCESS)
        refreshed = guard.refresh_jwt_token(token)
        revoked.add(claims_of(token)["jti"])

        assert [BlacklistedError] * 2 == [raised_by(guard.extract_jwt_token, each) for each in (token, refreshed)]

    def test_refresh_keeps_and_renews(self, make, clock, users):
        """A refresh keeps the end, the id, the ``jti`` and the custom claims, and reads the roles again."""
        _, guard = make()
        old = guard.encode_jwt_token(users.identify(1), plan="gold")
        clock.tick(ACCESS)
        users.identify(1).rolenames = ["guest"]
        before, after = claims_of(old), claims_of(guard.refresh_jwt_token(old))

        assert {"iat", "exp", "rls"} == {name for name in after if after[name] != before[name]}
        assert (clock.now, clock.now + ACCESS, "guest") == (after["iat"], after["exp"], after["rls"])

    def test_refresh_asks_for_the_user(self, make, clock, users):
        """A user who is gone or disabled gets no new token."""
        _, guard = make()
        tokens = [guard.encode_jwt_token(users.identify(identity)) for identity in (1, 2)]
        clock.tick(ACCESS)
        users.identify(1).valid = False
        del users.everyone[2]

        assert [InvalidUserError, MissingUserError] == [raised_by(guard.refresh_jwt_token, token) for token in tokens]


def raised_by(call, *args):
    """Return the class of the error that a call raises, or None."""
    try:
        call(*args)
    except PraetorianError as error:
        return type(error)
    return None


class TestViews:
    """Decorators and helpers."""

    @pytest.fixture
    def app(self, make):
        app, self.guard = make()

        @app.route("/required")
        @flask_praetorian.auth_required
        def required():
            return flask.jsonify(
                id=flask_praetorian.current_user_id(),
                name=flask_praetorian.current_user().username,
                roles=sorted(flask_praetorian.current_rolenames()),
                claims=flask_praetorian.current_custom_claims(),
            )

        @app.route("/accepted")
        @flask_praetorian.auth_accepted
        def accepted():
            try:
                return flask_praetorian.current_user().username
            except PraetorianError as error:
                return f"anonymous: {error.status_code}"

        @app.route("/both")
        @flask_praetorian.roles_required("admin", "editor")
        @flask_praetorian.auth_required
        def both():
            return "both"

        @app.route("/either")
        @flask_praetorian.roles_accepted("root", "editor")
        def either():
            return "either"

        @app.route("/async")
        @flask_praetorian.auth_required
        async def coroutine():
            await asyncio.sleep(0)
            return flask_praetorian.current_user().username

        @app.route("/open")
        def unguarded():
            return str(flask_praetorian.current_user_id())

        return app

    def ask(self, app, path, identity=1, **options):
        headers = self.guard.pack_header_for_user(self.guard.identify(identity), team="red") if identity else {}
        return app.test_client().get(path, headers={**headers, **options})

    def test_required(self, app):
        """The helpers describe the token and its user."""
        expected = {"id": 1, "name": "alice", "roles": ["admin", "editor"], "claims": {"team": "red"}}

        assert expected == self.ask(app, "/required").json
        assert {"roles": []}.items() <= self.ask(app, "/required", 2).json.items()

    def test_no_token(self, app):
        """The body names the error and the places, and is not cached."""
        response = self.ask(app, "/required", None)

        assert {
            "error": "MissingToken",
            "message": "Could not find token in any of the given locations: ['header', 'cookie']",
            "status_code": 401,
        } == response.json
        assert (401, "no-store") == (response.status_code, response.headers["Cache-Control"])

    @pytest.mark.parametrize(
        ("header", "error"),
        [
            ("Bearer", "InvalidTokenHeader"),
            ("Basic YTpi", "InvalidTokenHeader"),
            ("Bearerx.y.z", "InvalidTokenHeader"),
            ("Bearer a.b.c", "InvalidTokenHeader"),
        ],
    )
    @pytest.mark.parametrize("path", ["/required", "/accepted"])
    def test_bad_header(self, app, path, header, error):
        """A token that is presented must be good, on every view."""
        response = self.ask(app, path, None, Authorization=header)

        assert (401, error) == (response.status_code, response.json["error"])

    def test_accepted(self, app):
        """Without a token the user is anonymous: the helper raises."""
        assert ["alice", "anonymous: 401"] == [self.ask(app, "/accepted", who).text for who in (1, None)]

    def test_roles(self, app):
        """All of the roles, or one of them; 403 without."""
        assert [200, 403] == [self.ask(app, "/both", who).status_code for who in (1, 2)]
        assert [200, 403] == [self.ask(app, "/either", who).status_code for who in (1, 2)]
        assert "MissingRoleError" == self.ask(app, "/both", 2).json["error"]

    def test_async(self, app):
        """A coroutine function is awaited."""
        assert "alice" == self.ask(app, "/async").text

    def test_cookie(self, app, caplog):
        """A token in the cookie opens a view, with one warning about CSRF."""
        client = app.test_client()
        client.set_cookie("access_token", self.guard.encode_jwt_token(self.guard.identify(2)))

        assert ["bob", "bob"] == [client.get("/required").json["name"] for _ in range(2)]

    @pytest.mark.parametrize(
        ("method", "headers", "is_accepted"),
        [
            pytest.param("POST", {"Sec-Fetch-Site": "same-origin"}, True, id="own-page"),
            pytest.param("POST", {}, True, id="no-browser"),
            pytest.param("GET", {"Sec-Fetch-Site": "cross-site"}, True, id="link-of-another-site"),
            pytest.param("POST", {"Sec-Fetch-Site": "cross-site"}, False, id="form-of-another-site"),
            pytest.param("POST", {"Origin": "https://evil.example"}, False, id="another-origin"),
        ],
    )
    def test_cookie_of_another_site(self, app, method, headers, is_accepted):
        """An unsafe request that another site causes is rejected; pages of flask-praetorian need no change."""
        headers = {"Cookie": "access_token=a.b.c", **headers}
        with app.test_request_context("/", method=method, headers=headers):
            if is_accepted:
                assert "a.b.c" == self.guard.read_token()
            else:
                with pytest.raises(CSRFError):
                    self.guard.read_token()

    def test_cookie_of_a_trusted_origin(self, make):
        """``PRAETORIAN_TRUSTED_ORIGINS`` names other origins whose pages may send the cookie."""
        app, guard = make(PRAETORIAN_TRUSTED_ORIGINS="https://app.example")
        headers = {"Cookie": "access_token=a.b.c", "Origin": "https://app.example"}
        with app.test_request_context("/", method="POST", headers=headers):
            assert "a.b.c" == guard.read_token()

    @pytest.mark.parametrize("origins", ["https://app.example/", 5], ids=["path", "int"])
    def test_no_trusted_origin(self, make, origins):
        """A value that no browser sends as an origin is rejected at start, because it would never match."""
        with pytest.raises(ConfigurationError, match="PRAETORIAN_TRUSTED_ORIGINS must be a list of origins"):
            make(PRAETORIAN_TRUSTED_ORIGINS=origins)

    def test_foreign_scheme_does_not_fall_through(self, app):
        """A header of another scheme is refused, although the cookie holds a good token."""
        client = app.test_client()
        client.set_cookie("access_token", self.guard.encode_jwt_token(self.guard.identify(2)))

        assert 401 == client.get("/required", headers={"Authorization": "Basic x"}).status_code

    def test_preflight(self, app):
        """A CORS preflight gets Flask's own answer."""
        headers = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
        response = app.test_client().options("/required", headers=headers)

        assert (200, "") == (response.status_code, response.text)

    def test_outside_of_a_guarded_view(self, app):
        """The helpers raise where no token was verified."""
        response = self.ask(app, "/open")

        assert (401, "PraetorianError") == (response.status_code, response.json["error"])

    def test_held_context(self, app):
        """A context that a test holds open passes nothing on to the next request."""
        with app.app_context():
            assert [200, 401] == [self.ask(app, "/required", who).status_code for who in (1, None)]

    def test_roles_disabled(self, make):
        """Role decorators are refused where roles are disabled."""
        app, guard = make(PRAETORIAN_ROLES_DISABLED=True)
        app.route("/")(flask_praetorian.roles_required("admin")(lambda: ""))
        response = app.test_client().get("/", headers=guard.pack_header_for_user(guard.identify(1)))

        assert (401, "PraetorianError") == (response.status_code, response.json["error"])

    def test_own_place(self, make, users):
        """A subclass adds a place, or replaces how one is read."""

        class Guard(flask_praetorian.Praetorian):
            def read_token_from_query(self):
                return flask.request.args["token"]

        app = flask.Flask(__name__)
        app.config.update(SECRET_KEY=SECRET, JWT_PLACES=["attic", "query"])
        guard = Guard(app, users)
        token = guard.encode_jwt_token(users.identify(1))
        with app.test_request_context(f"/?token={token}"):
            assert token == guard.read_token()

    def test_wrong_order(self, make, caplog):
        """A decorator above the route leaves the view open as before, and the log says so."""
        app, _ = make()

        @flask_praetorian.auth_required
        @app.route("/")
        def view():
            return "open"

        assert 200 == app.test_client().get("/").status_code
        assert "the guard of 'view' has no effect" in caplog.text


class TestErrors:
    """Statuses of the errors, and the surface of flask-buzz."""

    @pytest.mark.parametrize(
        ("name", "status"),
        [
            *(
                (name, 401)
                for name in ("PraetorianError", "MissingClaimError", "ExpiredAccessError", "ExpiredRefreshError")
            ),
            *((name, 401) for name in ("MissingToken", "MissingTokenHeader", "InvalidTokenHeader", "MissingUserError")),
            *(
                (name, 401)
                for name in ("AuthenticationError", "ClaimCollisionError", "LegacyScheme", "ConfigurationError")
            ),
            *((name, 401) for name in ("InvalidResetToken", "InvalidRegistrationToken")),
            *((name, 401) for name in ("MisusedRegistrationToken", "MisusedResetToken")),
            *((name, 403) for name in ("BlacklistedError", "InvalidUserError", "MissingRoleError")),
            ("EarlyRefreshError", 425),
        ],
    )
    def test_statuses(self, name, status):
        """Each error keeps its status and its place under ``PraetorianError``."""
        kind = getattr(flask_praetorian.exceptions, name)

        assert (status, True) == (kind("x").status_code, issubclass(kind, PraetorianError))

    def test_text(self):
        """``str`` ends in the status, ``repr`` is the name, and the message is kept."""
        error = MissingRoleError("no {}", "entry")

        assert ("no entry (403)", "MissingRoleError", "no entry") == (str(error), repr(error), error.message)

    def test_require_condition(self):
        """A falsy value raises the class, a truthy one does not."""
        MissingRoleError.require_condition(1, "never")
        with pytest.raises(MissingRoleError, match="no entry"):
            MissingRoleError.require_condition([], "no {}", "entry")

    def test_handle_errors(self):
        """Errors of a block become the class, and the text of the cause follows."""
        with (
            pytest.raises(ConfigurationError, match=r"bad number -- ValueError: .*'x'"),
            ConfigurationError.handle_errors("bad number"),
        ):
            int("x")
        with ConfigurationError.handle_errors("fine"):
            int("1")

    def test_handlers(self, make):
        """A handler of the application's own replaces the default one, and tasks see each error."""
        app, _ = make(DISABLE_PRAETORIAN_ERROR_HANDLER=True)
        seen = []
        app.register_error_handler(PraetorianError, PraetorianError.build_error_handler(seen.append))
        app.route("/")(flask_praetorian.auth_required(lambda: ""))
        response = app.test_client().get("/")

        assert (401, [MissingToken]) == (response.status_code, [type(error) for error in seen])

    @pytest.mark.parametrize("testing", [True, False], ids=["testing", "production"])
    @pytest.mark.parametrize("registers", [True, False], ids=["registered", "not-registered"])
    def test_restx(self, make, testing, registers):
        """Under Flask-RESTX a refusal keeps its status, with and without the explicit registration."""
        app, _ = make(TESTING=testing)
        api = flask_restx.Api(app)
        if registers:
            PraetorianError.register_error_handler_with_flask_restx(api)

        @api.route("/guarded")
        class Guarded(flask_restx.Resource):
            @flask_praetorian.auth_required
            def get(self):
                return {}

        response = app.test_client().get("/guarded")

        assert (401, "MissingToken", 401) == (
            response.status_code,
            response.json["error"],
            response.json["status_code"],
        )
