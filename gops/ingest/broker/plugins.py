"""The two plugins that amqtt asks: who is this, and may they. No other plugin is loaded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from gops.ingest.broker.guard import Guard, Login, may_publish, may_subscribe

LOGIN = "gops.login"


class Authentication(BaseAuthPlugin):
    """Puts the ``Login`` into the session's attributes. The records are asked in a thread: they may be slow."""

    @dataclass
    class Config:
        """Nothing to configure."""

    async def authenticate(self, *, session: Session) -> bool:
        guard: Guard = _broker(self.context).guard
        login = await asyncio.to_thread(guard.login, session.username, session.password)
        if login is not None:
            session.attributes[LOGIN] = login
        return login is not None


class TopicPermissions(BaseTopicPlugin):
    """What is not allowed is forbidden."""

    @dataclass
    class Config:
        """Nothing to configure."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        login: Login | None = session.attributes.get(LOGIN) if session else None
        if login is None or not topic:
            return False
        if action == Action.PUBLISH:
            return may_publish(login, topic)
        return action == Action.SUBSCRIBE and may_subscribe(login, topic)


def _broker(context: Any) -> Any:
    return context._broker_instance
