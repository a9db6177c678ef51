"""A browser application: one page with plain JavaScript, and its API on Flask and on Falcon (ASGI).

README.md explains it; ``python -m examples.spa_app`` serves it.
"""
