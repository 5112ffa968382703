"""Entry point: ``python run.py COMMAND``; ``--help`` lists every command."""

from app.cli import main

if __name__ == "__main__":
    main()
