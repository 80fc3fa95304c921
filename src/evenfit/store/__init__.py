"""Results in SQLite: runs, their rounds of proposals, and their trials, durable once acknowledged."""

from evenfit.store.run import Finish, Round, Run
from evenfit.store.store import FILE_NAME, Store, open_store

__all__ = ["FILE_NAME", "Finish", "Round", "Run", "Store", "open_store"]
