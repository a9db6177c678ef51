"""Rules for all tests in this folder: which are collected, the deadline of property tests, the handler of SIGINT."""

import os
import signal

from hypothesis import HealthCheck, settings

# Some tests need another interpreter (`nox -s interop`) or a browser (`nox -s browser`). Without it they are not
# collected, so no test is skipped.
_NEEDS = {"interop": "PRAETORIAN_PEER_PYTHON", "browser": "PRAETORIAN_BROWSER"}
collect_ignore = [folder for folder, variable in _NEEDS.items() if variable not in os.environ]

# A shell starts background jobs with SIGINT ignored, and child processes would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests must pass on a busy machine; `nox -s bench` measures speed.
settings.register_profile(
    "praetorian",
    parent=settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("praetorian")
