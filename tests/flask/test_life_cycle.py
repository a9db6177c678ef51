"""One token, two deadlines, over HTTP: to the second, and never longer than the login allowed."""

from __future__ import annotations

import pytest
from flask import jsonify, request
from tests.flask.runner import Site
from tests.flask.scenarios import ACCESS, NOW, PASSWORD, REFRESH

from praetorian_core.testing import as_user
from praetorian_flask import (
    auth_required,
    authenticate,
    credentials,
    current_custom_claims,
    current_guard,
    current_principal,
    current_rolenames,
    current_token,
    roles_required,
)


class SessionSite(Site):
    """A site with routes to log in, to refresh and to use a token."""

    def __init__(self, **config):
        super().__init__(**config)
        self.clock, self.users = self.world.clock, self.world.users

        @self.app.post("/login")
        def login():
            user = authenticate(*credentials())
            return jsonify(access_token=current_guard().issue(user, **request.args))

        @self.app.get("/protected")
        @auth_required
        def protected():
            principal = current_principal()
            return jsonify(
                id=principal.identity,
                roles=sorted(current_rolenames()),
                claims=dict(current_custom_claims()),
                session=principal.session_id,
                deadlines=[principal.access_expires_at, principal.refresh_expires_at],
            )

        @self.app.get("/admin")
        @roles_required("admin")
        def admin():
            return "in"

        @self.app.post("/refresh")
        def refresh():
            return jsonify(access_token=current_guard().refresh(current_token()))

        @self.app.post("/guarded-refresh")
        @auth_required
        def guarded_refresh():
            return jsonify(access_token=current_guard().refresh(current_token()))

    def login(self, query=""):
        response = self.client.post(f"/login{query}", json={"username": "alice", "password": PASSWORD})
        assert response.status_code == 200
        return response.json["access_token"]

    def call(self, token, path="/protected", method="GET"):
        """Return what a route answers: the code of a refusal, or the JSON."""
        response = self.client.open(path, method=method, headers={"Authorization": f"Bearer {token}"})
        if response.status_code == 200:
            return response.json if response.is_json else response.text
        return response.json["code"]

    def refresh(self, token):
        """Return the successor, or the code of the refusal."""
        answer = self.call(token, "/refresh", "POST")
        return answer if isinstance(answer, str) else answer["access_token"]

    def deadlines(self, token):
        return self.call(token)["deadlines"]


@pytest.fixture
def site():
    return SessionSite()


class TestBoundaries:
    @pytest.mark.parametrize(
        ("later", "access", "refresh"),
        [
            (0, True, "early_refresh"),
            (ACCESS - 1, True, "early_refresh"),
            (ACCESS, "expired_access", True),
            (ACCESS + 1, "expired_access", True),
            (REFRESH - 1, "expired_access", True),
            (REFRESH, "expired_refresh", "expired_refresh"),
            (REFRESH + 1, "expired_refresh", "expired_refresh"),
        ],
        ids=["iat", "exp-1", "exp", "exp+1", "rf_exp-1", "rf_exp", "rf_exp+1"],
    )
    @pytest.mark.parametrize("store", [None, "memory://"], ids=["stateless", "store"])
    def test_to_the_second(self, later, access, refresh, store):
        """RFC 7519 §4.1.4: "on or after" exp it opens nothing; at every instant exactly one of the two works."""
        site = SessionSite(PRAETORIAN_STORE=store)
        token = site.login()
        site.clock.tick(later)
        opened, exchanged = site.call(token), site.refresh(token)

        assert access == (True if isinstance(opened, dict) else opened)
        assert refresh == (True if "." in exchanged else exchanged)

    @pytest.mark.parametrize(
        ("later", "access", "refresh"),
        [
            (ACCESS - 1, True, "early_refresh"),
            (ACCESS, True, True),
            (ACCESS + 9, True, True),
            (ACCESS + 10, "expired_access", True),
            (REFRESH - 1, "expired_access", True),
            (REFRESH, "expired_refresh", "expired_refresh"),
        ],
    )
    def test_leeway(self, later, access, refresh):
        """JWT_LEEWAY prolongs access; refresh still begins at exp, and rf_exp never moves."""
        site = SessionSite(JWT_LEEWAY=10)
        token = site.login()
        site.clock.tick(later)
        opened, exchanged = site.call(token), site.refresh(token)

        assert access == (True if isinstance(opened, dict) else opened)
        assert refresh == (True if "." in exchanged else exchanged)

    def test_early_refresh(self):
        """PRAETORIAN_EARLY_REFRESH lets a client refresh before exp, and no earlier."""
        site = SessionSite(PRAETORIAN_EARLY_REFRESH=60)
        token = site.login()
        site.clock.tick(ACCESS - 61)
        assert site.refresh(token) == "early_refresh"
        site.clock.tick(1)

        assert "." in site.refresh(token)


class TestRefresh:
    def test_never_extends_the_end(self, site):
        """However often it is refreshed, rf_exp stays what it was at the login, and exp never passes it."""
        token = site.login()
        seen = []
        for later in (ACCESS, REFRESH // 2, REFRESH - ACCESS - 1, REFRESH - 1):
            site.clock.now = NOW + later
            token = site.refresh(token)
            seen.append(site.deadlines(token))
        site.clock.tick()

        assert seen == [
            [NOW + 2 * ACCESS, NOW + REFRESH],
            [NOW + REFRESH // 2 + ACCESS, NOW + REFRESH],
            [NOW + REFRESH - 1, NOW + REFRESH],
            [NOW + REFRESH, NOW + REFRESH],
        ]
        assert site.refresh(token) == site.call(token) == "expired_refresh"

    def test_keeps_the_session(self, site):
        """The successor belongs to the same session and carries the custom claims over."""
        token = site.login("?color=red")
        before = site.call(token)
        site.clock.tick(ACCESS)
        after = site.call(site.refresh(token))

        assert (after["session"], after["claims"]) == (before["session"], {"color": "red"})
        assert after["deadlines"] == [NOW + 2 * ACCESS, NOW + REFRESH]

    def test_reads_roles_anew(self, site):
        """A role that was given or taken takes effect at the next refresh."""
        alice = site.users.lookup("alice")
        first = site.login()
        alice.rolenames.append("admin")
        assert site.call(first, "/admin") == "missing_role"
        site.clock.tick(ACCESS)
        second = site.refresh(first)
        assert site.call(second, "/admin") == "in"
        alice.rolenames.remove("admin")
        site.clock.tick(ACCESS)

        assert site.call(site.refresh(second), "/admin") == "missing_role"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda users, user: users.remove(user), "missing_user"),
            (lambda users, user: setattr(user, "valid", False), "invalid_user"),
        ],
        ids=["deleted", "disabled"],
    )
    def test_the_user_must_still_be_there(self, site, change, code):
        """A user who is gone or disabled keeps access until exp, and gets no successor."""
        token = site.login()
        change(site.users, site.users.lookup("alice"))
        assert site.call(token)["id"] == 1
        site.clock.tick(ACCESS)

        assert site.refresh(token) == code

    def test_must_not_be_guarded(self, site):
        """Behind auth_required a refresh is impossible: the guard admits only tokens that are too early to refresh."""
        token = site.login()
        assert site.call(token, "/guarded-refresh", "POST") == "early_refresh"
        site.clock.tick(ACCESS)

        assert site.call(token, "/guarded-refresh", "POST") == "expired_access"
        assert "." in site.refresh(token)

    def test_costs_one_call_of_the_user_store(self, site):
        """Login asks once, access never, refresh once."""
        site.users.calls = 0
        token = site.login()
        assert site.users.calls == 1
        for _ in range(5):
            site.call(token)
        assert site.users.calls == 1
        site.clock.tick(ACCESS)
        site.refresh(token)

        assert site.users.calls == 2

    def test_once(self, site):
        """RFC 9700 §4.14.2: a spent generation that comes again after the grace ends the session of both."""
        token = site.login()
        site.clock.tick(ACCESS)
        successor = site.refresh(token)
        site.clock.tick(10)

        assert site.refresh(token) == "reused_token"
        assert site.call(successor) == "revoked_token"

    def test_once_more_within_the_grace(self, site):
        """Within the grace a repeated refresh is an honest retry."""
        token = site.login()
        site.clock.tick(ACCESS)
        successor = site.refresh(token)
        site.clock.tick(9)

        assert "." in site.refresh(token)
        assert site.call(successor)["id"] == 1

    def test_stateless(self):
        """Without a store a token can be refreshed again and again, and still not beyond its end."""
        site = SessionSite(PRAETORIAN_STORE=None)
        token = site.login()
        site.clock.tick(ACCESS)
        assert all("." in site.refresh(token) for _ in range(3))
        site.clock.now = NOW + REFRESH

        assert site.refresh(token) == "expired_refresh"

    def test_the_successor_has_its_own_access(self, site):
        """The successor opens routes until its own exp; the predecessor stays closed."""
        token = site.login()
        site.clock.tick(ACCESS + 100)
        successor = site.refresh(token)

        assert site.call(token) == "expired_access"
        site.clock.tick(ACCESS - 1)
        assert site.call(successor)["id"] == 1
        site.clock.tick(1)
        assert site.call(successor) == "expired_access"


class TestTestingHeaders:
    def test_as_user(self, site):
        """as_user makes real headers: the same validation and deadlines, for any lifespan."""
        headers = as_user(site.guard, site.users.lookup("root"), access_lifespan=5, refresh_lifespan=9)
        codes = []
        for _ in range(10):
            response = site.client.get("/admin", headers=headers)
            codes.append(response.json["code"] if response.is_json else response.text)
            site.clock.tick()

        assert codes == ["in"] * 5 + ["expired_access"] * 4 + ["expired_refresh"]
