"""The way into the process: of `citelog`, and of `python -m citelog` for whoever has no scripts on the path."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # the working directory: what lies there is somebody's data, and no module of ours

from citelog.cli import interrupts


def main() -> None:
    """Run a command and end the process with its status."""
    interrupts.heed()
    interrupts.await_command()  # before the commands are loaded, which takes most of the time of a start
    from citelog.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
