"""Measure ``Guard.verify`` beside PyJWT's ``jwt.decode`` with the same checks, and beside the minimum.

    python bench/verify.py [--quick] [--json FILE]

The minimum is the bare signature primitive, base64 and ``json.loads``, without any check. Machines are noisy, so the
contenders run in interleaved rounds. A figure is the median over all rounds of the ratio within a round. The exit status
depends on no time: it is 0 unless a contender rejects a valid token or accepts an invalid one.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import hmac
import json
import platform
import sys
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path
from statistics import median

import attrs
import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from praetorian_core import Guard, KeyRing, Settings, generate_secret
from praetorian_core.errors import InvalidTokenError
from praetorian_core.testing import MemoryUser, MemoryUsers

GOAL = 0.25
"""At most this part of the time of ``jwt.decode``, for HS256."""

REQUIRED = ["iat", "exp", "rf_exp", "sub", "sid", "roles"]

FOREIGN = frozenset({"crit", "b64", "zip", "enc", "cty", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"})
PRAETORIAN = {*REQUIRED, "id", "gen", "epoch"}

Call = Callable[[str], object]


@attrs.frozen(kw_only=True)
class Pace:
    """The number of rounds, and the seconds for one contender in one round."""

    rounds: int
    slice: float


FULL = Pace(rounds=41, slice=0.02)
QUICK = Pace(rounds=9, slice=0.004)


@attrs.frozen(kw_only=True)
class Subject:
    """One algorithm and its contenders.

    Attributes:
        algorithm: Its name.
        token: A valid token.
        forged: The same token with one changed character in the signature.
        calls: The contenders: ``Guard.verify``, PyJWT, and the minimum.
    """

    algorithm: str
    token: str
    forged: str
    calls: dict[str, Call]


@attrs.frozen(kw_only=True)
class Row:
    """The results of one algorithm: medians in microseconds, and medians of ratios."""

    algorithm: str
    microseconds: dict[str, float]
    praetorian_to_pyjwt: float
    praetorian_to_minimum: float
    forged_to_good: float


# ---------------------------------------------------------------- the contenders


def by_pyjwt(key: object, algorithm: str) -> Call:
    """Return PyJWT's ``decode`` with the checks of ``Guard.verify``; those that PyJWT lacks are written out.

    ``jwt.decode`` calls ``decode_complete``, which also returns the header, whose type is checked.
    """

    def decode(token: str) -> object:
        whole = jwt.decode_complete(token, key, algorithms=[algorithm], options={"require": REQUIRED})
        header, claims = whole["header"], whole["payload"]
        issued_at, expires_at, refresh_expires_at = claims["iat"], claims["exp"], claims["rf_exp"]
        roles, identity = claims["roles"], claims["id"]
        if (
            header.get("typ") != "JWT"
            or not FOREIGN.isdisjoint(header)
            or not (type(issued_at) is int and type(expires_at) is int and type(refresh_expires_at) is int)
            or not issued_at <= expires_at <= refresh_expires_at
            or time.time() >= refresh_expires_at
            or type(claims["sid"]) is not str
            or type(roles) is not list
            or not all(type(role) is str for role in roles)
            or str(identity) != claims["sub"]
        ):
            raise jwt.InvalidTokenError
        custom = {name: value for name, value in claims.items() if name not in PRAETORIAN}
        return identity, frozenset(roles), custom, claims["sid"], issued_at, expires_at, refresh_expires_at

    return decode


def at_the_least(verify: Callable[[bytes, bytes], object]) -> Call:
    """Return the minimum: the signature is verified, and nothing else is checked."""

    def decode(token: str) -> object:
        message, _, signature = token.encode().rpartition(b".")
        verify(message, _unpadded(signature))
        return json.loads(_unpadded(message.partition(b".")[2]))

    return decode


def _unpadded(segment: bytes) -> bytes:
    return urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))


def subject(algorithm: str, ring: KeyRing, pyjwt_key: object, primitive: Callable[[bytes, bytes], object]) -> Subject:
    """Return an algorithm's subject: one token and its contenders."""
    user = MemoryUser(identity=4711, username="alice", rolenames=["admin", "editor"])
    guard = Guard(MemoryUsers([user]), Settings(keys=ring), passwords=None, throttle=None)
    token = guard.issue(user, team="blue")
    # A character in the middle: the last one carries fewer bits.
    place = len(token) - 20
    forged = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    return Subject(
        algorithm=algorithm,
        token=token,
        forged=forged,
        calls={
            "praetorian": guard.verify,
            "PyJWT": by_pyjwt(pyjwt_key, algorithm),
            "minimum": at_the_least(primitive),
        },
    )


def hs256() -> Subject:
    """Return the subject of a shared secret."""
    secret = generate_secret()
    key = secret.encode()

    def primitive(message: bytes, signature: bytes) -> None:
        if not hmac.compare_digest(hmac.digest(key, message, hashlib.sha256), signature):
            raise ValueError

    return subject("HS256", KeyRing.from_secret(secret), key, primitive)


def rs256() -> Subject:
    """Return the subject of an RSA key."""
    private = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    public = private.public_key()
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    return subject("RS256", _ring(private, "RS256"), public, lambda m, s: public.verify(s, m, scheme, digest))


def es256() -> Subject:
    """Return the subject of a key on P-256."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key()
    scheme = ec.ECDSA(hashes.SHA256())

    def primitive(message: bytes, signature: bytes) -> None:
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        public.verify(encode_dss_signature(r, s), message, scheme)

    return subject("ES256", _ring(private, "ES256"), public, primitive)


def eddsa() -> Subject:
    """Return the subject of an Ed25519 key."""
    private = ed25519.Ed25519PrivateKey.generate()
    public = private.public_key()
    return subject("EdDSA", _ring(private, "EdDSA"), public, lambda message, s: public.verify(s, message))


def _ring(
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, algorithm: str
) -> KeyRing:
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return KeyRing.from_pem(pem, algorithm=algorithm)


# ---------------------------------------------------------------- correctness


def mistakes(subject: Subject) -> list[str]:
    """Return a line for each contender that rejects the valid token or accepts the forged one."""
    found: list[str] = []
    for name, call in subject.calls.items():
        try:
            call(subject.token)
        except Exception as error:  # noqa: BLE001  (any error is a rejection)
            found.append(f"{subject.algorithm}: {name} rejects a valid token with {type(error).__name__}")
        try:
            call(subject.forged)
        except Exception:  # noqa: BLE001, S112  (any error is a rejection, as expected)
            continue
        found.append(f"{subject.algorithm}: {name} accepts a forged token")
    return found


# ---------------------------------------------------------------- measuring


def refusing(call: Call) -> Call:
    """Return a call that swallows the rejection, so that it can be measured."""

    def refuse(token: str) -> object:
        try:
            return call(token)
        except InvalidTokenError:
            return None

    return refuse


def clocked(call: Call, token: str, times: int) -> float:
    """Return the average seconds of one call."""
    gc.collect()
    gc.disable()
    begun = time.perf_counter()
    for _ in range(times):
        call(token)
    elapsed = time.perf_counter() - begun
    gc.enable()
    return elapsed / times


def measure(subject: Subject, pace: Pace) -> Row:
    """Measure all contenders in interleaved rounds, so that a busy machine slows all of them."""
    contenders = {name: (call, subject.token) for name, call in subject.calls.items()}
    contenders["forged"] = (refusing(subject.calls["praetorian"]), subject.forged)
    times = {name: max(1, int(pace.slice / clocked(*contender, 20))) for name, contender in contenders.items()}
    rounds = [
        {name: clocked(*contender, times[name]) for name, contender in contenders.items()} for _ in range(pace.rounds)
    ]
    return Row(
        algorithm=subject.algorithm,
        microseconds={name: 1e6 * median(one[name] for one in rounds) for name in contenders},
        praetorian_to_pyjwt=median(one["praetorian"] / one["PyJWT"] for one in rounds),
        praetorian_to_minimum=median(one["praetorian"] / one["minimum"] for one in rounds),
        forged_to_good=median(one["forged"] / one["praetorian"] for one in rounds),
    )


# ---------------------------------------------------------------- the report


def report(rows: list[Row]) -> str:
    """Return the table and the verdict."""
    lines = [
        f"Guard.verify, {platform.python_implementation()} {platform.python_version()}, PyJWT {jwt.__version__}",
        "median µs, and medians of each round's ratios",
        "",
        f"{'':8}{'verify':>8}{'PyJWT':>8}{'minimum':>8}{'forged':>8}   {'to PyJWT':>9}{'to min.':>9}{'forged/ok':>10}",
    ]
    for row in rows:
        figures = "".join(f"{row.microseconds[name]:8.1f}" for name in ("praetorian", "PyJWT", "minimum", "forged"))
        ratios = f"{row.praetorian_to_pyjwt:9.3f}{row.praetorian_to_minimum:9.2f}{row.forged_to_good:10.2f}"
        lines.append(f"{row.algorithm:8}{figures}   {ratios}")
    hmac_row = rows[0]
    met = "is met" if hmac_row.praetorian_to_pyjwt <= GOAL else "is NOT met"
    share = f"{hmac_row.praetorian_to_pyjwt:.3f} of the time of jwt.decode with the same checks"
    lines += ["", f"The goal {met}: {hmac_row.algorithm} takes {share}; the goal is at most {GOAL}."]
    return "\n".join(lines)


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description="Measures Guard.verify beside PyJWT and the minimum.")
    parser.add_argument("--quick", action="store_true", help="a few seconds, rougher figures")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    subjects = [hs256(), rs256(), es256(), eddsa()]
    wrong = [mistake for one in subjects for mistake in mistakes(one)]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    rows = [measure(one, QUICK if options.quick else FULL) for one in subjects]
    print(report(rows))
    if options.json is not None:
        options.json.write_text(json.dumps([attrs.asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
