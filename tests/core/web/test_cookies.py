"""The cookies of a token: their names, their attributes, and which one a request carries."""

import pytest
from tests.support import Request

from praetorian_core.errors import ConfigurationError, ConflictingTokensError
from praetorian_core.web.cookies import MAX_COOKIE, TokenCookies


def cookies(**changes):
    usual = {"name": "__Host-access_token", "path": "/", "domain": None, "secure": True, "same_site": "Lax"}
    return TokenCookies(**usual | changes)


def carrying(*lines):
    return Request(tuple(("Cookie", line) for line in lines))


class TestHolding:
    def test_attributes(self):
        """Scripts cannot read the token; they read the value beside it (ASVS 3.3.1 to 3.3.4)."""

        assert [
            "__Host-access_token=abc; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax",
            "__Host-csrf_access_token=xyz; Max-Age=60; Path=/; Secure; SameSite=Lax",
        ] == [cookie.header_value() for cookie in cookies().holding("abc", "xyz", 60, is_refreshed=False)]

    def test_other_attributes(self):
        """The settings choose name, path, domain and SameSite."""
        chosen = cookies(name="shop", path="/a", domain="a.example", secure=False, same_site="Strict")

        assert [
            "shop=abc; Max-Age=0; Path=/a; Domain=a.example; HttpOnly; SameSite=Strict",
            "csrf_shop=xyz; Max-Age=0; Path=/a; Domain=a.example; SameSite=Strict",
        ] == [cookie.header_value() for cookie in chosen.holding("abc", "xyz", 0, is_refreshed=False)]

    @pytest.mark.parametrize(
        ("name", "beside"),
        [
            ("__Host-access_token", "__Host-csrf_access_token"),
            ("__Secure-shop", "__Secure-csrf_shop"),
            ("shop", "csrf_shop"),
            ("__host-shop", "__host-csrf_shop"),
        ],
    )
    def test_name_beside(self, name, beside):
        """The second name keeps the prefix, which binds it to the host."""

        assert beside == cookies(name=name).csrf_name

    @pytest.mark.parametrize(("is_refreshed", "room"), [(True, MAX_COOKIE - 4), (False, MAX_COOKIE - 4 - 64)])
    def test_length(self, is_refreshed, room):
        """A browser ignores a cookie of more than 4096 octets; a new token leaves room for its refreshes."""
        shop = cookies(name="shop")

        assert room == len(shop.holding("x" * room, "c", 1, is_refreshed=is_refreshed)[0].value)
        with pytest.raises(ConfigurationError, match=f"at most {room} characters, .*; got {room + 1}"):
            shop.holding("x" * (room + 1), "c", 1, is_refreshed=is_refreshed)

    def test_repr(self):
        """No representation shows the token."""

        assert "canary" not in repr(cookies().holding("canary", "canary", 1, is_refreshed=False))


class TestDeleting:
    def test_attributes(self):
        """A browser deletes a cookie of the same name, path and domain whose age is 0."""

        assert [
            "__Host-access_token=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
            "__Host-csrf_access_token=; Max-Age=0; Path=/; Secure; SameSite=Lax",
        ] == [cookie.header_value() for cookie in cookies().deleting()]


class TestFind:
    @pytest.mark.parametrize(
        "lines",
        [
            pytest.param(["__Host-access_token=abc"], id="alone"),
            pytest.param(["a=1; __Host-access_token=abc; b=2"], id="among-others"),
            pytest.param(["a=1;__Host-access_token=abc;b"], id="without-blanks"),
            pytest.param(["a=1", "__Host-access_token=abc"], id="two-lines-of-HTTP/2"),
            pytest.param(["access_token=x; __host-access_token=x; __Host-access_token=abc"], id="similar-names"),
            pytest.param(['a="; __Host-access_token=abc'], id="after-a-quote"),
        ],
    )
    def test_found(self, lines):
        """The cookie of exactly this name is found, wherever it stands."""

        assert "abc" == cookies().find(carrying(*lines))

    @pytest.mark.parametrize(
        "lines",
        [
            pytest.param([], id="no-header"),
            pytest.param([""], id="empty-header"),
            pytest.param(["access_token=abc; x__Host-access_token=abc"], id="similar-names"),
            pytest.param(["__Host-access_token="], id="empty-value"),
            pytest.param(["__Host-access_token"], id="no-value"),
            pytest.param(["a=__Host-access_token=abc"], id="in-a-value"),
        ],
    )
    def test_not_found(self, lines):
        """Any other cookie carries no token."""

        assert cookies().find(carrying(*lines)) is None

    @pytest.mark.parametrize(
        "lines",
        [
            pytest.param(["__Host-access_token=abc; __Host-access_token=def"], id="different"),
            pytest.param(["__Host-access_token=abc; __Host-access_token=abc"], id="equal"),
            pytest.param(["__Host-access_token=abc; __Host-access_token="], id="one-empty"),
            pytest.param(["__Host-access_token=abc", "__Host-access_token=def"], id="two-lines"),
        ],
    )
    def test_several(self, lines):
        """Two cookies of one name are rejected: their order means nothing (RFC 6265 §5.4)."""
        with pytest.raises(ConflictingTokensError, match="carries 2 cookies __Host-access_token; expected one"):
            cookies().find(carrying(*lines))
