"""One file = one stage; the folder listing is the list of stages."""
