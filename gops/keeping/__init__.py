"""Keeping what GOPS holds: upkeep of the store by command and by schedule, exports, backups, restoring.

Each piece of work is a method of ``Keeping``. The running server offers them on the admin socket; without a server
``gops`` runs the same methods on the files themselves. Only one of them is under way at a time (``Turns``).
"""
