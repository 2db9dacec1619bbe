"""``python -m modisp.train TASK --minutes …``."""

from .run import command

if __name__ == "__main__":
    command()
