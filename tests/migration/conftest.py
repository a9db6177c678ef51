"""The migration needs two environments of its own: ``nox -s migration`` makes them."""

import os

collect_ignore = [] if "PRAETORIAN_MIGRATION" in os.environ else ["test_migration.py"]
