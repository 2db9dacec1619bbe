"""Teachers: slow, explicit finishing of a whole picture, which the tone networks learn from pairs alone."""

from __future__ import annotations

from modisp.teach.finish import Teacher, finish
from modisp.teach.recipes import TEACHERS

__all__ = ["TEACHERS", "Teacher", "finish"]
