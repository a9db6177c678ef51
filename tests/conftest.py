"""What holds for all tests below: what is collected, and how patient the property tests are."""

import os

from hypothesis import HealthCheck, settings

# The interoperability tests need the peer's interpreter: without one they are not collected (`nox -s interop` gives it).
collect_ignore = [] if "PRAETORIAN_PEER_PYTHON" in os.environ else ["interop"]

# A busy machine is no finding: what is slow is measured by `nox -s bench`.
settings.register_profile(
    "praetorian",
    parent=settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("praetorian")
