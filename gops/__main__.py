"""``python -m gops``."""

from gops.cli import main

if __name__ == "__main__":
    main()
