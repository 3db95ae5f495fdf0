"""`python -m ehpsbench` is `ehpsbench`."""

from ehpsbench.cli.main import main

if __name__ == "__main__":
    main()
