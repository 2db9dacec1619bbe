"""The editor's tests: a package, so that their conftest and the one above it do not take each other's name."""
