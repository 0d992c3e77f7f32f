"""What a handler may reach: the services, the settings, and who asks."""

from __future__ import annotations

from typing import cast

from flask import current_app, g

from gops.api.services import Services
from gops.permissions import Actor
from gops.settings import Settings

EXTENSION = "gops"


def services() -> Services:
    return cast(Services, current_app.extensions[EXTENSION])


def settings() -> Settings:
    return services().settings


def actor() -> Actor:
    """Who asks; set before every request by ``credentials``."""
    return cast(Actor, g.actor)
