"""What a class that is derived from guarded resources demands: all that its bases do."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_restx import Api, Resource

from praetorian_core import Guard, Settings, generate_secret
from praetorian_core.testing import MemoryUser, MemoryUsers, as_user, cheapest_hasher
from praetorian_flask import Praetorian
from praetorian_restx import auth_accepted, auth_required, init_api, roles_required


@auth_accepted
class Welcome(Resource):
    """An open resource."""


@auth_required
class Known(Resource):
    """A resource that requires a token."""


@roles_required("admin")
class Admins(Resource):
    """Admins may come."""

    def post(self):
        """Return nothing, for admins."""
        return "for admins"


class WelcomeAdmins(Welcome, Admins):
    """Demands what both bases do."""


class KnownAdmins(Known, Admins):
    """Demands what both bases do."""


class AdminsKnown(Admins, Known):
    """Demands what both bases do, in the other order."""


class OwnDispatcher(Admins):
    """Dispatches by itself, past the dispatcher that was guarded."""

    def dispatch_request(self, *args, **kwargs):
        """Answer without a user-store call."""
        return {"answer": "for admins"}


@auth_required
class Twice(Admins):
    """Is decorated again, and prepares its subclasses by itself."""

    prepared = ()

    def __init_subclass__(cls, **options):
        """Prepare a subclass."""
        super().__init_subclass__(**options)
        Twice.prepared += (cls.__name__,)


class TwiceOwn(Twice):
    """Dispatches by itself."""

    def dispatch_request(self, *args, **kwargs):
        """Answer without a user-store call."""
        return {"answer": "for admins"}


KINDS = [Admins, WelcomeAdmins, KnownAdmins, AdminsKnown, OwnDispatcher, Twice, TwiceOwn]


@pytest.fixture
def site():
    """An application with all of these resources, and headers of a plain user and of an admin."""
    app = Flask(__name__)
    app.config["SECRET_KEY"] = generate_secret()
    users = MemoryUsers(
        [
            MemoryUser(identity=1, username="alice", rolenames=["reader"]),
            MemoryUser(identity=2, username="root", rolenames=["admin"]),
        ]
    )
    praetorian = Praetorian(app, Guard(users, Settings.from_mapping(app.config), passwords=cheapest_hasher()))
    api = Api(app)
    init_api(api)
    for kind in KINDS:
        api.add_resource(kind, f"/{kind.__name__}")
    with app.app_context():
        guard = praetorian.guard
    return app.test_client(), [{}, *(as_user(guard, users.lookup(name)) for name in ("alice", "root"))]


class TestInheritance:
    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
    def test_every_demand_counts(self, site, kind):
        """In any order of the bases and with any dispatcher: no token, a plain user, an admin (ASVS 8.2.1)."""
        client, everybody = site

        assert [401, 403, 200] == [
            client.post(f"/{kind.__name__}", headers=headers).status_code for headers in everybody
        ]

    def test_a_preparation_of_its_own_still_runs(self):
        """The hook of the class itself is called as before."""
        assert ("TwiceOwn",) == Twice.prepared
