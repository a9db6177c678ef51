"""Every class of error, and one instance of each, for tests that hold for all of them."""

import inspect

from praetorian_core import errors
from praetorian_core.errors import PraetorianError

CLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PraetorianError)]
NAMES = [kind.__name__ for kind in CLASSES]


MAX_AGE = 300
"""The age in the challenge of ``ANSWERS``."""


def sample(kind, text="canary", number=7):
    """Return an error of a class or of its name, with every required argument and the detail filled in."""
    kind = getattr(errors, kind) if isinstance(kind, str) else kind
    values = {"int": number, "str": text, "str | None": text, "int | None": number}
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    filled = [each for each in parameters if each.default is inspect.Parameter.empty or each.name == "detail"]
    arguments = {each.name: values[each.annotation] for each in filled}
    return kind(**arguments | ({"max_age": MAX_AGE} if "max_age" in arguments else {}))
