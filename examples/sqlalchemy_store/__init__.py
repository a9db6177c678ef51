"""Praetorian's state in the application's own database, by SQLAlchemy."""

from .store import METADATA, STATE, SQLAlchemyStore

__all__ = ["METADATA", "STATE", "SQLAlchemyStore"]
