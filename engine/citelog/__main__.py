"""`python -m citelog`: the command, for whoever has the library and not its scripts on the path."""

from citelog.cli.app import main

if __name__ == "__main__":
    main()
