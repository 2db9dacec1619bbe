"""The one error of file input and output."""

from __future__ import annotations


class ImageError(ValueError):
    """A file that cannot be read or written; the message is one sentence for the photographer and names the file."""
