"""Programs that measure every speed GOPS claims. ``python -m bench`` runs the short sizes, ``--full`` the long ones."""
