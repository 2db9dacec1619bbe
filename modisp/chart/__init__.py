"""Charts in photographs: where they lie, what the camera saw of them, and what that says of the camera."""
