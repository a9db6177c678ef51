"""What must happen, in which order, written once for every driver.

A flow is a generator that asks (``questions.py``) and returns its result. It touches neither the application nor a
store nor a clock, so the order of its questions is all of its behaviour, and a test reads it step by step:

    flow = authenticate(context, "alice", "wrong", None, now)
    assert next(flow) == FindUser("alice")
    assert flow.send(alice) == ReadPassword(alice)

Theory of operation: an answer is good only if it is exactly the expected one (``is True``, ``is None``), so a sloppy
application refuses rather than admits; whatever a flow raises refuses; and what changes state comes last.
"""

from praetorian_core.flows.actions import issue_action, redeem_action
from praetorian_core.flows.context import FlowContext
from praetorian_core.flows.login import authenticate
from praetorian_core.flows.sessions import (
    check_session,
    issue,
    judge_session,
    load_user,
    read_session,
    refresh,
    revoke,
    revoke_user,
)
from praetorian_core.flows.state import access_keys

__all__ = [
    "FlowContext",
    "access_keys",
    "authenticate",
    "check_session",
    "issue",
    "issue_action",
    "judge_session",
    "load_user",
    "read_session",
    "redeem_action",
    "refresh",
    "revoke",
    "revoke_user",
]
