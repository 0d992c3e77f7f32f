"""The sessions of the embedded broker, by login and client id: nobody reaches another's by naming its client id."""

from __future__ import annotations

from collections.abc import Iterator

from gops.ingest.broker.guard import Login
from gops.ingest.broker.line import Client
from gops.ingest.broker.mailbox import Mailbox

SEPARATOR = "\n"  # in no user name that logs in


def session_key(login: Login, client_id: str) -> str:
    """What amqtt knows a session by."""
    return f"{login.name}{SEPARATOR}{client_id}"


def new_client(login: Login, client_id: str, mailbox: Mailbox, *, clean: bool) -> Client:
    client = Client(login, mailbox)
    client.client_id = session_key(login, client_id)
    client.clean_session = clean
    return client


class Registry:
    def __init__(self) -> None:
        self._by_name: dict[str, dict[str, Client]] = {}

    def __iter__(self) -> Iterator[Client]:
        """Every session, from a copy."""
        return iter([client for own in self._by_name.values() for client in own.values()])

    def of(self, name: str) -> list[Client]:
        return list(self._by_name.get(name, {}).values())

    def find(self, login: Login, client_id: str) -> Client | None:
        return self._by_name.get(login.name, {}).get(session_key(login, client_id))

    def find_key(self, key: str) -> Client | None:
        return self._by_name.get(key.split(SEPARATOR, 1)[0], {}).get(key)

    def add(self, client: Client) -> None:
        self._by_name.setdefault(client.login.name, {})[str(client.client_id)] = client

    def remove(self, key: str) -> None:
        name = key.split(SEPARATOR, 1)[0]
        own = self._by_name.get(name, {})
        own.pop(key, None)
        if not own:
            self._by_name.pop(name, None)

    def connected(self, name: str) -> int:
        return sum(client.line is not None for client in self.of(name))

    def oldest_away(self, name: str, kept: int) -> list[Client]:
        """Sessions without a connection beyond the ``kept`` that were connected last."""
        away = [client for client in self.of(name) if client.line is None]
        away.sort(key=lambda client: client.last_disconnect_time or 0)
        return away[: max(0, len(away) - kept)]
