"""Tokens in cookies: the calls of a guard that read and make them, and the refresh within a request."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from tests.core.guard.world import HASHER, CountingStore, World
from tests.support import ACCESS, NOW, PASSWORD, REFRESH, RING, Request, bearer

from praetorian_core import AsyncGuard, Guard, errors
from praetorian_core.events import TokenRefused
from praetorian_core.policy import all_roles
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore

NAME = "__Host-access_token"
OWN = ("Sec-Fetch-Site", "same-origin")
CROSS = ("Sec-Fetch-Site", "cross-site")
BOTH_GUARDS = pytest.mark.parametrize("kind", ["Guard", "AsyncGuard"])


def opened(**settings):
    """Return a world whose guard reads cookies."""
    guard = settings.pop("guard", {"store": MemoryStore()})
    return World(**{"places": ["header", "cookie"], "guard": guard} | settings)


def carrying(token, *lines, method="GET", **facts):
    return Request((("Cookie", f"{NAME}={token}"), *lines), method, **facts)


def csrf_of(world, token):
    return world.guard.token_cookies(Request(), token)[1].value


def asynchronous(world):
    """Return the one ``AsyncGuard`` of a world."""
    if not hasattr(world, "asynchronous"):
        world.asynchronous = AsyncGuard(
            world.users,
            world.settings,
            store=world.guard._services.store,
            passwords=None,
            clock=world.clock,
            on_event=world.heard.append,
        )
    return world.asynchronous


def admit(world, kind, request, policy=None, *, optional=False):
    """Admit a request by either guard on the same services."""
    if kind == "Guard":
        return (world.guard.admit_optional if optional else world.guard.admit)(request, policy)
    guard = asynchronous(world)
    return asyncio.run((guard.admit_optional if optional else guard.admit)(request, policy))


class TestFindToken:
    def test_safe(self):
        """A GET may read the token in the cookie, also an expired one."""
        world = opened()
        token = world.guard.issue(world.alice)

        assert token == world.at(NOW + REFRESH).find_token(carrying(token))

    def test_proof(self):
        """A route for refresh or logout is unsafe, so its token is returned with the proof only."""
        world = opened()
        token = world.guard.issue(world.alice)
        proof = ("X-CSRF-Token", csrf_of(world, token))

        assert token == world.at(NOW + ACCESS).find_token(carrying(token, proof, OWN, method="POST"))
        with pytest.raises(errors.CSRFError):
            world.guard.find_token(carrying(token, OWN, method="POST"))
        assert ["csrf_failed"] == [event.code for event in world.heard if isinstance(event, TokenRefused)]

    def test_not_genuine(self):
        """The proof is the claim of a genuine token, so a forged token from another host of the domain is rejected."""
        with pytest.raises(errors.InvalidTokenError):
            opened().guard.find_token(carrying("planted", ("X-CSRF-Token", "planted"), OWN, method="POST"))


class TestTokenCookies:
    @pytest.mark.parametrize(
        ("settings", "seconds"),
        [
            pytest.param({}, REFRESH - 5, id="rf_exp"),
            pytest.param({"idle_lifespan": ACCESS + 60}, ACCESS + 55, id="idle"),
        ],
    )
    def test_max_age(self, settings, seconds):
        """The cookies end with the session."""
        world = opened(**settings)
        token = world.guard.issue(world.alice)

        assert [seconds, seconds] == [cookie.max_age for cookie in world.at(NOW + 5).token_cookies(Request(), token)]

    def test_ended(self):
        """The cookies of a session that has expired are deleted at once."""
        world = opened()
        token = world.guard.issue(world.alice)

        assert [0, 0] == [cookie.max_age for cookie in world.at(NOW + REFRESH + 1).token_cookies(Request(), token)]

    def test_name(self):
        """The name binds the cookie to the host where path and domain allow."""
        for settings, name in [
            ({}, "__Host-access_token"),
            ({"cookie_path": "/a"}, "__Secure-access_token"),
            ({"cookie_domain": "a.example"}, "__Secure-access_token"),
            ({"cookie_secure": False}, "access_token"),
            ({"cookie_name": "__Host-shop"}, "__Host-shop"),
        ]:
            world = opened(**settings)
            assert name == world.guard.token_cookies(Request(), world.guard.issue(world.alice))[0].name

    def test_login_of_another_site(self):
        """A page of another site must not log the browser in under an account of its own (login CSRF)."""
        world = opened()
        token = world.guard.issue(world.alice)

        assert 2 == len(world.guard.token_cookies(Request((OWN,), "POST"), token))
        with pytest.raises(errors.CSRFError):
            world.guard.token_cookies(Request((CROSS,), "POST"), token)
        assert ["csrf_failed"] == [event.code for event in world.heard if isinstance(event, TokenRefused)]

    def test_no_token(self):
        """A session in place of its token is a mistake of the application, not of the client."""
        world = opened()
        session = world.guard.issue_session(world.alice)

        assert 2 == len(world.guard.token_cookies(Request(), session.token))
        with pytest.raises(errors.ConfigurationError, match=r"or issue_session\(user\).token; got IssuedSession"):
            world.guard.token_cookies(Request(), session)

    def test_without_the_place(self):
        """No cookie is made if ``JWT_PLACES`` does not read it."""
        world = World()
        for call in (lambda: world.guard.token_cookies(Request(), "x"), world.guard.cleared_cookies):
            with pytest.raises(errors.ConfigurationError, match="JWT_PLACES must include 'cookie'"):
                call()

    def test_token_of_another_guard(self):
        """A token that carries no proof cannot be used in a cookie."""
        world = opened()
        with pytest.raises(errors.ConfigurationError, match="issue it with a guard whose JWT_PLACES includes 'cookie'"):
            world.guard.token_cookies(Request(), World().guard.issue(world.alice))


class TestAdmit:
    @BOTH_GUARDS
    def test_expired(self, kind):
        """Without the setting an expired cookie is rejected, and nothing is exchanged."""
        world = opened()
        request = carrying(world.guard.issue(world.alice))
        world.at(NOW + ACCESS)

        with pytest.raises(errors.ExpiredAccessError):
            admit(world, kind, request)
        assert request.renewal is None

    @BOTH_GUARDS
    @pytest.mark.parametrize("optional", [False, True], ids=["required", "optional"])
    def test_renewed(self, kind, optional):
        """At ``exp`` the token is exchanged and the request is admitted with its successor, once."""
        world = opened(cookie_refresh=True)
        token = world.guard.issue(world.alice)
        request = carrying(token)
        world.at(NOW + ACCESS - 1)

        assert NOW == admit(world, kind, request, optional=optional).issued_at
        assert request.renewal is None

        world.at(NOW + ACCESS)
        principal = admit(world, kind, request, optional=optional)
        renewal = request.renewal

        assert (NOW + ACCESS, NOW + REFRESH) == (principal.issued_at, principal.refresh_expires_at)
        assert renewal.token == world.guard.find_token(request) != token
        assert renewal.set_cookies[0].startswith(f"{NAME}={renewal.token}; Max-Age={REFRESH - ACCESS}; ")

    @BOTH_GUARDS
    def test_once(self, kind):
        """Several checks of one request exchange its token once, also after the grace period."""
        world = opened(cookie_refresh=True, refresh_grace=1)
        request = carrying(world.guard.issue(world.alice))
        world.at(NOW + ACCESS)
        admit(world, kind, request)
        renewal = request.renewal
        world.at(NOW + ACCESS + 1)

        assert 1 == admit(world, kind, request, all_roles("admin")).identity
        assert renewal is request.renewal

    @BOTH_GUARDS
    def test_parallel(self, kind):
        """Parallel requests with one cookie within the grace period stay logged in, and get the same generation."""
        world = opened(cookie_refresh=True)
        token = world.guard.issue(world.alice)
        requests = [carrying(token) for _ in range(5)]
        for seconds, request in enumerate(requests):
            world.at(NOW + ACCESS + seconds)
            admit(world, kind, request)
        for request in requests:
            assert 1 == admit(world, kind, carrying(request.renewal.token)).identity

    def test_confirmed_meanwhile(self):
        """Requests with the cookie from before a renewal and a confirmation stay logged in within the grace period."""
        world = opened(cookie_refresh=True, guard={"store": MemoryStore(), "passwords": HASHER})
        token = world.guard.issue(world.alice)
        first, late, last = (carrying(token) for _ in range(3))
        world.at(NOW + ACCESS).admit(first)
        confirmed = world.at(NOW + ACCESS + 2).confirm(first.renewal.token, PASSWORD)

        assert 1 == world.at(NOW + ACCESS + 9).admit(late).identity
        assert 1 == world.guard.verify(confirmed).identity
        with pytest.raises(errors.ReusedTokenError):
            world.at(NOW + ACCESS + 10).admit(last)

    def test_too_long(self):
        """A token that has outgrown the cookie is not spent, so the session goes on once it is shorter."""
        world = opened(cookie_refresh=True)
        request = carrying(world.guard.issue(world.alice))
        world.alice.rolenames = ["x" * 255 for _ in range(1)] + [f"{n:0>200}" for n in range(20)]
        with pytest.raises(errors.ConfigurationError, match="must have at most 4077 characters"):
            world.at(NOW + ACCESS).admit(request)
        world.alice.rolenames = ["admin"]

        assert 1 == world.at(NOW + ACCESS + 60).admit(request).identity

    @BOTH_GUARDS
    def test_without_a_store(self, kind):
        """Without a store the exchange counts no generation."""
        world = opened(cookie_refresh=True, guard={"store": None})
        request = carrying(world.guard.issue(world.alice))
        world.at(NOW + ACCESS)
        if kind == "AsyncGuard":
            world.guard._services = attrs.evolve(world.guard._services, store=None)

        assert 1 == admit(world, kind, request).identity

    @pytest.mark.parametrize(
        ("settings", "seconds"),
        [
            pytest.param({}, REFRESH, id="rf_exp"),
            pytest.param({"idle_lifespan": ACCESS + 60}, ACCESS + 60, id="idle"),
        ],
    )
    def test_end(self, settings, seconds):
        """A token of a session that has expired is not exchanged."""
        world = opened(cookie_refresh=True, **settings)
        request = carrying(world.guard.issue(world.alice))
        with pytest.raises(errors.ExpiredRefreshError):
            world.at(NOW + seconds).admit(request)

        assert request.renewal is None
        assert 1 == world.at(NOW + seconds - 1).admit(request).identity

    def test_websocket(self):
        """The answer to a handshake sets no cookie, so its token is not exchanged."""
        world = opened(cookie_refresh=True)
        lines = (OWN, ("Origin", "https://a.example"), ("Host", "a.example"))
        request = carrying(world.guard.issue(world.alice), *lines, is_websocket=True)

        assert 1 == world.guard.admit(request).identity
        with pytest.raises(errors.ExpiredAccessError):
            world.at(NOW + ACCESS).admit(request)

    def test_header(self):
        """A client that sends a header keeps its token itself."""
        world = opened(cookie_refresh=True)
        request = bearer(world.guard.issue(world.alice))
        with pytest.raises(errors.ExpiredAccessError):
            world.at(NOW + ACCESS).admit(request)

    def test_leeway(self):
        """A token that still grants access by the leeway is not exchanged."""
        world = opened(cookie_refresh=True, leeway=5)
        request = carrying(world.guard.issue(world.alice))

        assert NOW == world.at(NOW + ACCESS + 4).admit(request).issued_at
        assert NOW + ACCESS + 5 == world.at(NOW + ACCESS + 5).admit(request).issued_at

    def test_calls(self):
        """A cookie costs the store no more calls than a header: one for access."""
        store = CountingStore()
        world = opened(guard={"store": store})
        token = world.guard.issue(world.alice)
        store.calls = 0
        world.guard.admit(carrying(token))

        assert 1 == store.calls


class TestSettings:
    def test_refresh_without_users(self):
        """A refresh loads the user, so a guard without users cannot refresh a cookie."""
        settings = Settings(keys=RING, places=["cookie"], cookie_refresh=True)

        assert Guard(None, attrs.evolve(settings, cookie_refresh=False), passwords=None)
        with pytest.raises(errors.ConfigurationError, match="PRAETORIAN_COOKIE_REFRESH needs users"):
            Guard(None, settings, passwords=None)

    @pytest.mark.parametrize(
        ("bad", "good", "message"),
        [
            pytest.param(
                {"cookie_refresh": True, "places": "header"},
                {"cookie_refresh": True},
                "PRAETORIAN_COOKIE_REFRESH has no effect unless JWT_PLACES includes 'cookie'; got ['header']; write",
                id="no-place",
            ),
            pytest.param(
                {"cookie_refresh": True, "refresh_grace": 0},
                {"cookie_refresh": True, "refresh_grace": 1},
                "PRAETORIAN_REFRESH_GRACE must be above 0 while PRAETORIAN_COOKIE_REFRESH is True",
                id="refresh-without-grace",
            ),
            pytest.param(
                {"trusted_origins": ["https://app.example"], "places": "header"},
                {"trusted_origins": ["https://app.example"]},
                "PRAETORIAN_TRUSTED_ORIGINS has no effect unless JWT_PLACES includes 'cookie'; got ['header']; write",
                id="no-place-for-trusted-origins",
            ),
            pytest.param(
                {"cookie_name": "__Host-a", "cookie_path": "/a"},
                {"cookie_name": "__Secure-a", "cookie_path": "/a"},
                "JWT_COOKIE_NAME must not begin with __Host- with a PRAETORIAN_COOKIE_PATH or PRAETORIAN_COOKIE_DOMAIN; got "
                "'__Host-a', which browsers reject; write JWT_COOKIE_NAME = '__Secure-a'",
                id="host-prefix-and-path",
            ),
            pytest.param(
                {"cookie_name": "__host-a", "cookie_domain": "a.example"},
                {"cookie_name": "a", "cookie_domain": "a.example"},
                "JWT_COOKIE_NAME must not begin with __Host-",
                id="host-prefix-and-domain",
            ),
            pytest.param(
                {"cookie_name": "__Secure-a", "cookie_secure": False},
                {"cookie_name": "a", "cookie_secure": False},
                "JWT_COOKIE_NAME must have no prefix while PRAETORIAN_COOKIE_SECURE is False; got '__Secure-a'",
                id="prefix-without-secure",
            ),
            pytest.param(
                {"cookie_same_site": "None", "cookie_secure": False},
                {"cookie_same_site": "None"},
                "PRAETORIAN_COOKIE_SECURE must be True while PRAETORIAN_COOKIE_SAMESITE is 'None'; got False",
                id="other-sites-without-secure",
            ),
        ],
    )
    def test_pairs(self, bad, good, message):
        """A cookie that browsers would reject, or that would not be read, is rejected at start."""

        assert Settings(**{"keys": RING, "places": ["cookie"]} | good)
        with pytest.raises(errors.ConfigurationError) as caught:
            Settings(**{"keys": RING, "places": ["cookie"]} | bad)
        assert str(caught.value).startswith(message)
