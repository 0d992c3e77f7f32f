"""``python -m gops.ingest.broker``: the embedded broker, a child of ``gops run`` that ends with it."""

from gops.process import end_with_parent

end_with_parent()  # before the slow imports: a parent that dies meanwhile must not leave an orphan with its port

from gops import logs  # noqa: E402
from gops.settings import load  # noqa: E402


def main() -> None:
    settings = load()
    logs.configure(settings.log_level, settings.log_style)
    from gops.ingest.broker.process import run

    run(settings)


if __name__ == "__main__":
    main()
