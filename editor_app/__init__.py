"""The editor: a window over modisp.  It knows no stage by name; panels, strip and history are drawn from the declarations."""
