"""The warnings that name the new way to write each use of flask-praetorian."""

import ast
import warnings

import pytest

import praetorian_flask.compat as flask_praetorian
from praetorian_flask import migration_table
from praetorian_flask.compat._moved import moved


def warned(function):
    """Return the texts, and the files, of the warnings that a call emits."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return [(str(warning.message), warning.filename) for warning in caught]


class TestMoved:
    """The uses of an application that are one name."""

    @pytest.mark.parametrize(
        "name",
        [
            "encode_jwt_token",
            "encode_eternal_jwt_token",
            "pack_header_for_user",
        ],
    )
    def test_methods_with_a_user(self, make, users, name):
        """A method warns once, at the line that calls it, and names what it becomes."""
        _, guard = make()
        ((text, file),) = warned(lambda: getattr(guard, name)(users.identify(1)))

        assert (
            f"flask-praetorian's {name} becomes {migration_table.ATTRIBUTES[name].becomes}; see docs/migration.md"
            == text
        )
        assert __file__ == file

    @pytest.mark.parametrize("name", ["hash_password", "encrypt_password"])
    def test_passwords(self, make, name):
        """Hashing warns once under either name."""
        _, guard = make()

        assert 1 == len(warned(lambda: getattr(guard, name)("pw")))

    def test_session(self, make, clock, users):
        """Login, validation and refresh each warn of themselves only, not of what they call."""
        _, guard = make()
        token = guard.encode_jwt_token(users.identify(1))
        texts = warned(lambda: guard.extract_jwt_token(token)) + warned(lambda: guard.authenticate("alice", "pw"))
        clock.tick(901)
        texts += warned(lambda: guard.refresh_jwt_token(token))

        assert ["extract_jwt_token", "authenticate", "refresh_jwt_token"] == [text.split()[1] for text, _ in texts]

    def test_decorators(self):
        """A decorator warns where it is written."""
        texts = warned(lambda: flask_praetorian.auth_required(lambda: "")) + warned(
            lambda: flask_praetorian.roles_required("admin")
        )

        assert ["auth_required", "roles_required"] == [text.split()[1] for text, _ in texts]

    def test_request(self, make, users):
        """A request to a guarded view that uses no helper emits no warning."""
        app, guard = make()
        app.route("/")(flask_praetorian.auth_required(lambda: "in"))
        headers = guard.pack_header_for_user(users.identify(1))

        assert [] == warned(lambda: app.test_client().get("/", headers=headers))

    def test_helpers(self, make, users):
        """A helper in a view warns of itself only, although it calls others."""
        app, guard = make()
        app.route("/")(flask_praetorian.auth_required(lambda: flask_praetorian.current_user().username))
        headers = guard.pack_header_for_user(users.identify(1))
        ((text, _),) = warned(lambda: app.test_client().get("/", headers=headers))

        assert text.startswith("flask-praetorian's current_user becomes praetorian_flask.current_user;")

    def test_construction(self, make, users):
        """Setting an application up warns once, at once or later."""
        app, guard = make()

        assert 1 == len(warned(lambda: flask_praetorian.Praetorian(app, users)))
        assert 1 == len(warned(lambda: guard.init_app(app, users)))

    def test_mixin(self):
        """A class that derives from the mixin warns at its own line."""

        def define():
            class Person(flask_praetorian.SQLAlchemyUserMixin):
                pass

        ((text, file),) = warned(define)

        assert text.startswith("flask-praetorian's SQLAlchemyUserMixin becomes lookup, identify")
        assert __file__ == file

    def test_override(self, make, users):
        """A method that an application overrides is called without a warning of its own."""
        _, guard = make()

        class Guard(flask_praetorian.Praetorian):
            def read_token_from_header(self):
                return guard.encode_jwt_token(users.identify(1))

        app, _ = make()
        own = Guard(app, users)
        with app.test_request_context():
            texts = warned(own.read_token)

        assert ["read_token", "encode_jwt_token"] == [text.split()[1] for text, _ in texts]

    def test_errors_in_tests(self, make, users):
        """The one filter that docs/migration.md shows keeps a suite running that turns warnings into errors."""
        _, guard = make()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(DeprecationWarning, match="encode_jwt_token"):
                guard.encode_jwt_token(users.identify(1))
            warnings.filterwarnings("ignore", "flask-praetorian's", DeprecationWarning)

            assert guard.encode_jwt_token(users.identify(1))

    def test_module_without_a_name(self):
        """A caller without ``__name__``, as in ``exec``, is warned like any other."""

        @moved
        def current_user():
            return "alice"

        module = compile(ast.parse("found = f()"), "<text>", "exec")
        names = {"f": current_user}

        assert ["<text>"] == [file for _, file in warned(lambda: exec(module, names))]
        assert "alice" == names["found"]
