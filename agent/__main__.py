"""`python -m agent` is `deckwatch`."""

from agent.cli import main

if __name__ == "__main__":
    main()
