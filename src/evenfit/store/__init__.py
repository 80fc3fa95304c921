"""Results in SQLite: runs, their rounds of proposals, and their trials, durable once acknowledged."""

from evenfit.store.run import Finish, Round, Run
from evenfit.store.store import Store, open_store

__all__ = ["Finish", "Round", "Run", "Store", "open_store"]
