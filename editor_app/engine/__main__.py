"""`python -m editor_app.engine`: the engine process."""

from editor_app.engine.serve import main

main()
