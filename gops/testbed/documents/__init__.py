"""Documents of applications: PDF, images and office files, kept by their hash, never public.

::

    body -> bounded draft -> type by content -> scanner command -> kept, row   (or refused, and nothing is left)

``types`` tells a file's type from its bytes and refuses what lies about it, ``scanning`` runs the operator's scanner,
``service`` keeps and shows, ``forgetting`` deletes when a round is over.
"""
