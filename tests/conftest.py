"""What holds for all tests below: what is collected, and how patient the property tests are."""

import os

from hypothesis import HealthCheck, settings

# Some tests need more than Python: the interpreter of the peer (`nox -s interop`), a browser (`nox -s browser`). Without
# what their session gives them they are not collected, so that none is ever skipped.
_NEEDS = {"interop": "PRAETORIAN_PEER_PYTHON", "browser": "PRAETORIAN_BROWSER"}
collect_ignore = [folder for folder, variable in _NEEDS.items() if variable not in os.environ]

# A busy machine is no finding: what is slow is measured by `nox -s bench`.
settings.register_profile(
    "praetorian",
    parent=settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("praetorian")
