"""Server-rendered pages over the same services as the API. They work without script, and ask nobody else for anything.

``register(app, sources, document)`` adds them; ``error_page`` shows failures outside of the API.
"""

from gops.portal.pages import error_page, register

__all__ = ["error_page", "register"]
