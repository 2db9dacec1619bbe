"""The engine: the process that imports torch and develops, so that the window never waits.  The window knows only its messages."""
