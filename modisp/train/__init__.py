"""Training: tasks are data, one loop runs them all. Nothing else in modisp imports this."""

from __future__ import annotations

from .loop import train
from .options import Options
from .run import main, plot
from .tasks import TASKS, Task

__all__ = ["TASKS", "Options", "Task", "main", "plot", "train"]
