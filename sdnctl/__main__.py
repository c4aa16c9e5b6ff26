"""``python -m sdnctl``."""

from sdnctl.cli import main

if __name__ == "__main__":
    main()
