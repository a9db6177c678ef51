"""What holds for every token, through the front door."""

from __future__ import annotations

import itertools
import json
import re
import string
import uuid
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support import NOW, SECRET

from praetorian_core import FLASK_PRAETORIAN, STANDARD, Guard, KeyRing, MemoryStore, Settings, generate_secret
from praetorian_core.errors import (
    ClaimCollisionError,
    ClaimValueError,
    ConfigurationError,
    EarlyRefreshError,
    ExpiredAccessError,
    ExpiredRefreshError,
    InvalidTokenError,
    MisusedTokenError,
    PraetorianError,
)
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers

LAYOUTS = {"STANDARD": STANDARD, "FLASK_PRAETORIAN": FLASK_PRAETORIAN}
PAIRS = {"ES256": ec.generate_private_key(ec.SECP256R1()), "EdDSA": ed25519.Ed25519PrivateKey.generate()}
RINGS = {
    "HS256": KeyRing.from_secret(SECRET),
    **{
        algorithm: KeyRing.from_pem(
            pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), algorithm=algorithm
        )
        for algorithm, pair in PAIRS.items()
    },
}
# What PyJWT verifies with: the same keys, loaded by PyJWT itself.
PYJWT_KEYS = {
    "HS256": SECRET,
    **{
        algorithm: pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for algorithm, pair in PAIRS.items()
    },
}

# As the design lists them, not as the code does.
RESERVED = set(
    "sub id roles iat exp rf_exp sid gen epoch csrf auth_time "  # noqa: SIM905
    "iss aud nbf action jti pwf rls is_ert is_prt".split()
)

EVERY_LAYOUT = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
EVERY_ALGORITHM = pytest.mark.parametrize("algorithm", RINGS)


def ignore(event):
    """No sink receives the events: thousands of refusals are expected here."""


def guard_of(*users, algorithm="HS256", clock=None, **options):
    return Guard(
        MemoryUsers(users),
        Settings(keys=RINGS[algorithm], **options),
        throttle=None,
        passwords=None,
        clock=clock or FrozenClock(),
        on_event=ignore,
    )


def load_user(identity=7, roles=("admin", "user")):
    return MemoryUser(identity=identity, username="alice", rolenames=list(roles))


def read_by_pyjwt(token, algorithm, **expected):
    """Return the claims that PyJWT finds; whether they have expired is judged at our frozen instant, not at its own."""
    instants = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    return jwt.decode(token, PYJWT_KEYS[algorithm], algorithms=[algorithm], options=instants, **expected)


def without_reserved(payload):
    return {name: value for name, value in payload.items() if name.casefold() not in RESERVED}


# ---------------------------------------------------------------- what may be issued comes back, the rest is refused

ANY_TEXT = st.text(st.characters(), max_size=6)  # lone surrogates among them
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | ANY_TEXT
    | st.sampled_from([2**64, 2**8192 - 1, -(2**8192) + 1, 2**9_000, -0.0, 1e308, 5e-324, "\x00", "\u2028", "é😀"])
)
NO_JSON = st.sampled_from([b"x", (1, 2), {1}, {1: 2}, {None: 1}, 1j, object(), frozenset()])


def deep(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3) | st.tuples(inner),
    max_leaves=6,
)
MOSTLY_GOOD = st.one_of(SCALARS, VALUES, VALUES, NO_JSON, st.integers(29, 33).map(deep))
NAMES = st.one_of(
    st.text(min_size=1, max_size=6),
    st.sampled_from(["team", "self", "é", " ", "x" * 300, "user", "typ", "alg", "__proto__"]),
    st.sampled_from(["", "\ud800", "SUB", "Rf_Exp", "\u017fid", "i\u017fs", *sorted(RESERVED)]),
).filter(lambda name: name not in {"access_lifespan", "refresh_lifespan"})


def depth_of(value):
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


def survives(value):
    """Tell whether a value comes back from JSON text as it went in, inside of a payload."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False).encode().decode()
    except (TypeError, ValueError):
        return False
    # 2**8192 has 2467 digits, and no number above it has a part in these tests but 2**9000.
    too_long = re.search("[0-9]{2500}", text)
    return repr(value) == repr(json.loads(text)) and depth_of(value) < 32 and not too_long


def verdict_on(claims):
    """Return the error that must be raised and the claim it must name, or None."""
    for name, value in claims.items():
        if not name or not survives(name):
            return ClaimValueError, name
        if name.casefold() in RESERVED:
            return ClaimCollisionError, name
        if not survives(value):
            return ClaimValueError, name
    return None


IDENTITIES = (
    st.integers(-(2**63) + 1, 2**63 - 1)
    | st.text(min_size=1, max_size=255)
    | st.uuids()
    | st.sampled_from([0, "0", "null", " ", 2**63 - 1, uuid.UUID(int=0)])
)
ROLES = st.frozensets(st.text(min_size=1, max_size=8) | st.sampled_from(["admin", "a b", "é", "x" * 255]), max_size=4)


def attempt(guard, user, claims):
    """Return a token, or the error that came in its place."""
    try:
        return guard.issue(user, **claims), None
    except ConfigurationError as error:
        return None, error


class TestIssue:
    @EVERY_LAYOUT
    @EVERY_ALGORITHM
    def test_what_was_issued_comes_back(self, layout, algorithm):
        """Custom claims come back exactly as they were given, or are refused by name."""
        outcomes = set()
        user = load_user()
        guard = guard_of(user, algorithm=algorithm, layout=layout)

        @settings(max_examples=300 if algorithm == "HS256" else 50)
        @given(st.dictionaries(NAMES, MOSTLY_GOOD, max_size=3))
        @example({"team": ["red", {"é": 1.5}]})
        @example({"SUB": 1})
        @example({"team": b"red"})
        def issue(claims):
            token, error = attempt(guard, user, claims)
            if type(error) is ConfigurationError:
                # Three integers of 8192 bits are too much for one token.
                assert "must have at most 7168 characters" in str(error)
                assert len(repr(claims)) > 4_000
                return
            outcomes.add(type(error))
            assert verdict_on(claims) == (error and (type(error), error.claim))
            if token is not None:
                assert repr(claims) == repr(dict(guard.verify(token).claims))
                assert repr(claims) == repr(without_reserved(read_by_pyjwt(token, algorithm)))

        issue()

        assert {type(None), ClaimValueError, ClaimCollisionError} == outcomes

    @EVERY_LAYOUT
    @given(identity=IDENTITIES, roles=ROLES)
    def test_identity_and_roles_come_back(self, layout, identity, roles):
        """The identity comes back as it was; a role without the blanks around it, or not at all."""
        user = load_user(identity, roles)
        guard = guard_of(user, layout=layout, parse_identity=uuid.UUID if isinstance(identity, uuid.UUID) else None)

        if layout is FLASK_PRAETORIAN and any("," in role for role in roles):
            with pytest.raises(ClaimValueError):
                guard.issue(user)
            return
        principal = guard.verify(guard.issue(user))

        assert (type(identity), identity) == (type(principal.identity), principal.identity)
        assert {role.strip() for role in roles} - {""} == principal.roles

    @EVERY_LAYOUT
    def test_a_session_has_128_random_bits(self, layout):
        """No two tokens share a session."""
        user = load_user()
        guard = guard_of(user, layout=layout)

        sessions = {guard.verify(guard.issue(user)).session_id for _ in range(100)}

        assert 100 == len(sessions)
        assert {16} == {len(urlsafe_b64decode(session + "==")) for session in sessions}


# ---------------------------------------------------------------- the two deadlines


class TestDeadlines:
    @EVERY_LAYOUT
    @given(
        access=st.integers(1, 100),
        rest=st.integers(0, 200),
        leeway=st.integers(0, 60),
        ticks=st.lists(st.integers(0, 60), max_size=12),
    )
    def test_access_then_refresh(self, layout, access, rest, leeway, ticks):
        """Over any chain of refreshes access lasts to exp + leeway, refresh begins at exp, and rf_exp never moves."""
        clock, user = FrozenClock(), load_user()
        guard = guard_of(
            user, clock=clock, layout=layout, access_lifespan=access, refresh_lifespan=access + rest, leeway=leeway
        )
        token = guard.issue(user, team="red")
        exp, end = clock.now + access, clock.now + access + rest
        for tick in ticks:
            clock.tick(tick)
            if clock.now >= end:
                with pytest.raises(ExpiredRefreshError):
                    guard.verify(token)
                with pytest.raises(ExpiredRefreshError):
                    guard.refresh(token)
                continue
            if clock.now >= exp + leeway:
                with pytest.raises(ExpiredAccessError):
                    guard.verify(token)
            else:
                guard.verify(token)
            if clock.now >= exp:
                token = guard.refresh(token)
                exp = min(clock.now + access, end)
            principal = guard.verify(token)
            assert exp == principal.access_expires_at
            with pytest.raises(EarlyRefreshError):
                guard.refresh(token)
            assert end == principal.refresh_expires_at
            assert {"team": "red"} == dict(principal.claims)


class TestSeveralMachines:
    @EVERY_LAYOUT
    @given(
        access=st.integers(1, 100),
        rest=st.integers(0, 200),
        leeway=st.integers(0, 60),
        age=st.integers(0, 320),
        data=st.data(),
    )
    def test_one_of_verify_and_refresh_works(self, layout, access, rest, leeway, age, data):
        """On machines whose clocks differ by at most the leeway, a live token can be used on one or renewed on another.

        With a leeway of 0 exactly one of the two works, at every second before ``rf_exp``.
        """
        user, start = load_user(), FrozenClock().now
        clocks = [FrozenClock(start), FrozenClock(start)]
        lifespans = {"access_lifespan": access, "refresh_lifespan": access + rest}
        here, there = (guard_of(user, clock=clock, layout=layout, leeway=leeway, **lifespans) for clock in clocks)
        token = here.issue(user)
        clocks[0].now = start + min(age, access + rest - 1)
        clocks[1].now = min(clocks[0].now + data.draw(st.integers(-leeway, leeway)), start + access + rest - 1)

        usable, renewable = works(here.verify, token), works(there.refresh, token)

        assert usable or renewable
        assert leeway > 0 or usable is not renewable

    @EVERY_LAYOUT
    @given(leeway=st.integers(0, 60), behind=st.integers(0, 70))
    def test_a_token_works_on_a_machine_that_is_behind(self, layout, leeway, behind):
        """A fresh token is accepted up to the leeway, and up to 10 seconds in any case, before its ``iat``."""
        user, clock = load_user(), FrozenClock()
        here = guard_of(user, layout=layout, leeway=leeway)
        there = guard_of(user, clock=clock, layout=layout, leeway=leeway)
        token = here.issue(user)
        clock.tick(-behind)

        assert (behind <= max(leeway, 10)) is works(there.verify, token)


def works(call, token):
    """Return whether a guard accepts the token, for verification or for refresh."""
    try:
        call(token)
    except (ExpiredAccessError, EarlyRefreshError, InvalidTokenError):
        return False
    return True


# ---------------------------------------------------------------- ours is only ever stricter than PyJWT

ABSENT = object()
SESSION = {"sub": "7", "id": 7, "roles": ["admin"], "iat": NOW, "exp": NOW + 9, "rf_exp": NOW + 99, "sid": "s1"}
LEGACY = {"jti": "s1", "id": 7, "rls": "admin", "iat": NOW, "exp": NOW + 9, "rf_exp": NOW + 99}
PARTIES = {"iss": "me", "aud": "you"}

ODD = st.sampled_from([None, True, False, 0, 1, 7, -1, 1.5, "", "7", "x", [], ["x"], {}, NOW, NOW + 5, str(NOW), 2**53])
PAYLOAD_CHANGES = st.one_of(
    st.tuples(st.sampled_from([*SESSION, *LEGACY, *PARTIES, "nbf", "gen", "epoch"]), ODD | st.just(ABSENT)),
    st.tuples(st.just("aud"), st.sampled_from(["you", ["you"], ["me", "you"], ["you", 1], "yo", [], None, ["yo"]])),
    st.tuples(st.just("iss"), st.sampled_from(["me", "Me", "m", ["me"], None])),
    st.tuples(st.just("nbf"), st.integers(NOW - 2, NOW + 2)),
    st.tuples(st.just("gen"), st.integers(0, 3)),
    # Nothing wrong with these.
    st.tuples(st.sampled_from(["team", "é", "nonce", "x"]), st.sampled_from([1, 1.5, "red", [None], {"a": {"b": []}}])),
    st.tuples(st.sampled_from(["team", "é", "nonce", "x"]), st.text(max_size=4) | st.integers() | st.booleans()),
)
HEADER_CHANGES = st.one_of(
    st.tuples(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "zip", "cty", "jku", "x"]),
        st.sampled_from([ABSENT, None, "none", "HS256", "ES256", "EdDSA", "hs256", "JWT", "jwt", "x", 1, [], {}, True]),
    ),
    st.tuples(st.sampled_from(["x", "nonce", "ALG"]), st.sampled_from(["x", 1, [[]], {"alg": "none"}])),
    st.tuples(st.just("typ"), st.sampled_from(["JWT", "jwt", ABSENT, "action+jwt", "at+jwt"])),
    st.tuples(st.just("kid"), st.just(ABSENT)),
)


def plain(members):
    return json.dumps(members)


def usual(members):
    return plain(members).encode()


def encode(octets):
    return urlsafe_b64encode(octets).rstrip(b"=")


SPELLINGS = st.sampled_from(
    [
        *[usual] * 6,
        lambda members: json.dumps(members, indent=1, ensure_ascii=False).encode(),
        lambda members: json.dumps(members, separators=(",", ":")).encode() + b"\n",
        lambda members: (plain(members)[:-1] + ',"x":1,"x":1}').encode(),
        lambda members: (plain(members)[:-1] + ',"x":NaN}').encode(),
        lambda members: (plain(members)[:-1] + ',"x":1e999}').encode(),
        lambda members: (plain(members)[:-1] + r',"x":"\ud800"}').encode(),
        lambda members: plain(members).encode("utf-16"),
        lambda members: plain(members).encode("utf-8-sig"),
        lambda members: plain(members).encode() + b"x",
        lambda members: plain([members]).encode(),
    ]
)
ENCODINGS = st.sampled_from(
    [
        *[encode] * 8,
        urlsafe_b64encode,
        b64encode,
        lambda octets: encode(octets) + b"=",
        lambda octets: encode(octets) + b" ",
    ]
)


def changed(members, changes):
    members = {**members, **dict(changes)}
    return {name: value for name, value in members.items() if value is not ABSENT}


def said(principal):
    """Return what a principal says, as the claims that must have said so."""
    return {
        "id": principal.identity,
        "roles": sorted(principal.roles),
        "sid": principal.session_id,
        "iat": principal.issued_at,
        "exp": principal.access_expires_at,
        "rf_exp": principal.refresh_expires_at,
        "custom": dict(principal.claims),
    }


def meant(payload):
    """Return the same of a payload that PyJWT has read."""
    legacy = "rls" in payload
    return {
        "id": payload["id"] if "id" in payload else payload["sub"],
        "roles": sorted({role.strip() for role in payload["rls"].split(",")} - {""} if legacy else {*payload["roles"]}),
        "sid": payload["jti" if legacy else "sid"],
        "iat": payload["iat"],
        "exp": payload["exp"],
        "rf_exp": payload["rf_exp"],
        "custom": without_reserved(payload),
    }


class TestAgainstPyJWT:
    @EVERY_ALGORITHM
    @pytest.mark.parametrize("services", [{}, PARTIES], ids=["unbound", "iss and aud"])
    def test_what_we_accept_pyjwt_accepts(self, algorithm, services):
        """PyJWT accepts every token that Praetorian accepts, with the same claims."""
        outcomes = {"both accept": 0, "both refuse": 0, "ours is stricter": 0}
        key = RINGS[algorithm].signing_key()
        guard = guard_of(
            algorithm=algorithm,
            accept_layouts=(STANDARD, FLASK_PRAETORIAN),
            issuer=services.get("iss"),
            audience=services.get("aud"),
        )
        expected = {{"iss": "issuer", "aud": "audience"}[name]: value for name, value in services.items()}

        @settings(max_examples=1_000 if algorithm == "HS256" else 200)
        @given(
            st.lists(HEADER_CHANGES, max_size=1),
            st.sampled_from([SESSION, LEGACY]),
            st.lists(PAYLOAD_CHANGES, max_size=2),
            SPELLINGS,
            SPELLINGS,
            ENCODINGS,
        )
        @example([], SESSION, [], usual, usual, encode)
        @example([], LEGACY, [("team", "red")], usual, usual, encode)
        def compare(header, payload, changes, spell_header, spell_payload, encoding):
            head = spell_header(changed({"alg": algorithm, "kid": key.kid, "typ": "JWT"}, header))
            body = spell_payload(changed({**payload, **services}, changes))
            message = encode(head) + b"." + encoding(body)
            token = (message + b"." + encode(key.sign(message))).decode()
            try:
                theirs = read_by_pyjwt(token, algorithm, **expected)
            except Exception:  # noqa: BLE001 - older ones let all sorts of errors out
                # An expiry would say that the token had passed our gate.
                with pytest.raises(InvalidTokenError):
                    guard.verify(token)
                outcomes["both refuse"] += 1
                return
            try:
                ours = guard.verify(token)
            except InvalidTokenError:
                outcomes["ours is stricter"] += 1
                return
            except (ExpiredAccessError, ExpiredRefreshError):
                return
            outcomes["both accept"] += 1
            assert repr(meant(theirs)) == repr(said(ours))

        compare()

        assert all(count >= 5 for count in outcomes.values()), outcomes

    @EVERY_LAYOUT
    @EVERY_ALGORITHM
    def test_a_plain_token_is_good_for_both(self, layout, algorithm):
        """The matching positive test of the refusals above, with tokens of Praetorian."""
        user = load_user()
        guard = guard_of(user, algorithm=algorithm, layout=layout, issuer="me", audience="you")
        token = guard.issue(user, team="red")

        assert meant(read_by_pyjwt(token, algorithm, issuer="me", audience="you")) == said(guard.verify(token))

    def test_a_token_of_another_key_is_bad_for_both(self):
        """The matching negative test of the acceptances."""
        user = load_user()
        stranger = Guard(
            MemoryUsers([user]), Settings(keys=KeyRing.from_secret(generate_secret())), clock=FrozenClock()
        )
        token = stranger.issue(user)

        with pytest.raises(InvalidTokenError):
            guard_of().verify(token)
        with pytest.raises(jwt.InvalidSignatureError):
            read_by_pyjwt(token, "HS256")


# ---------------------------------------------------------------- no other text is a token

ALPHABET = string.ascii_letters + string.digits + "-_"


def bit_flips(token):
    for index, char in enumerate(token):
        for bit in range(8):
            yield token[:index] + chr(ord(char) ^ (1 << bit)) + token[index + 1 :]


def cuts(token):
    for index in range(len(token)):
        yield token[:index]
        yield token[index + 1 :]


def edits(token):
    for index, char in enumerate(token):
        before, after = token[:index], token[index + 1 :]
        yield before + after
        yield before + char + char + after
        yield before + char.swapcase() + after
        for inserted in "=.A \n\t\x00é":
            yield before + inserted + char + after


def other_spellings(token):
    segments = token.split(".")
    for index, segment in enumerate(segments):
        octets = urlsafe_b64decode(segment + "==")
        for other in (
            segment + "=",
            segment + "==",
            segment + "A",
            segment + "AAAA",
            segment + "\n",
            " " + segment,
            "",
            b64encode(octets).decode(),
            urlsafe_b64encode(octets).decode(),
            b64encode(octets).decode().rstrip("="),
            urlsafe_b64encode(octets + b"\x00").decode().rstrip("="),
            urlsafe_b64encode(b" " + octets).decode().rstrip("="),
            segment.replace("-", "+").replace("_", "/"),
            segment.lower(),
            segment.upper(),
            segment.swapcase(),
            octets.hex(),
            # The left-over bits of the last character, and all else that it could be.
            *(segment[:-1] + last for last in ALPHABET),
        ):
            yield ".".join([*segments[:index], other, *segments[index + 1 :]])
    for separator in ("..", " .", ". ", "%2E", "\uff0e", ",", ""):
        yield separator.join(segments)
    for around in ("Bearer {}", " {}", "{} ", "{}\n", '"{}"', "{}.", ".{}", "{0}{0}", "{0}.{0}", "{}\x00", "\ufeff{}"):
        yield around.format(token)


class TestOneTextAToken:
    @EVERY_LAYOUT
    @EVERY_ALGORITHM
    @pytest.mark.parametrize("mutate", [bit_flips, cuts, edits, other_spellings])
    def test_no_mutation_is_accepted(self, layout, algorithm, mutate):
        """Not one other text opens anything: every bit, every cut, every spelling (RFC 7515 §2, GHSA-hxm8-2xgr-2p9m)."""
        user = load_user()
        # One has seen no header yet, the other remembers the token's.
        cold, warm = (guard_of(user, algorithm=algorithm, layout=layout) for _ in range(2))
        token = cold.issue(user, team="red")
        assert passes(warm, token)
        mutants = set(mutate(token)) - {token}
        assert len(mutants) > 100

        accepted = [mutant for mutant in mutants if passes(cold, mutant) or passes(warm, mutant)]

        assert [] == accepted
        assert passes(cold, token)

    @EVERY_ALGORITHM
    def test_segments_of_two_tokens_make_no_third(self, algorithm):
        """Headers, payloads and signatures of genuine tokens, in any order: only the genuine ones open."""
        alice, admin = load_user(7, ["user"]), load_user(8, ["admin"])
        guards = [guard_of(alice, admin, algorithm=algorithm, layout=layout) for layout in LAYOUTS.values()]
        tokens = {guard.issue(user) for guard in guards for user in (alice, admin)}
        tokens.add(guards[0].issue_action(alice, "invite"))
        reader = guard_of(alice, admin, algorithm=algorithm, accept_layouts=(STANDARD, FLASK_PRAETORIAN))
        segments = {segment for token in tokens for segment in token.split(".")}

        made = map(".".join, itertools.product(sorted(segments), repeat=3))
        accepted = {token for token in made if passes(reader, token)}

        assert {token for token in tokens if passes(reader, token)} == accepted
        assert 4 == len(accepted)


def passes(guard, token):
    """Tell whether a token opens anything; whatever else is raised is a fault."""
    try:
        guard.verify(token)
    except (InvalidTokenError, MisusedTokenError):
        return False
    return True


# ---------------------------------------------------------------- a ticket opens one connection, within its seconds


class TestTicket:
    @EVERY_LAYOUT
    @EVERY_ALGORITHM
    @settings(max_examples=60)
    @given(
        late=st.integers(0, 99),
        lifespan=st.integers(1, 300),
        leeway=st.integers(0, 60),
        attempts=st.lists(st.integers(0, 300), min_size=1, max_size=6),
    )
    @example(late=99, lifespan=30, leeway=0, attempts=[0, 1])
    @example(late=0, lifespan=30, leeway=0, attempts=[29, 29])
    @example(late=0, lifespan=30, leeway=0, attempts=[30, 29])
    def test_once_and_in_time(self, layout, algorithm, late, lifespan, leeway, attempts):
        """Of attempts in any order the first within ``[iat, exp)`` succeeds, and no other; exp is never past the access."""
        clock = FrozenClock(NOW)
        guard = Guard(
            MemoryUsers([load_user()]),
            Settings(keys=RINGS[algorithm], layout=layout, access_lifespan=100, refresh_lifespan=1_000, leeway=leeway),
            store=MemoryStore(),
            throttle=None,
            passwords=None,
            clock=clock,
            on_event=ignore,
        )
        principal = guard.verify(guard.issue(load_user(), team="red"))
        clock.now = issued_at = NOW + late
        ticket = guard.issue_ticket(principal, lifespan=lifespan)
        end = min(issued_at + lifespan, NOW + 100 + leeway)

        def redeem(after):
            clock.now = issued_at + after
            try:
                return guard.redeem_ticket(ticket)
            except PraetorianError as error:
                return error.code

        expected = []
        for after in attempts:
            is_spent = principal in expected
            in_time = "reused_token" if is_spent else principal
            expected.append(in_time if issued_at + after < end else "expired_ticket")

        assert expected == [redeem(after) for after in attempts]
