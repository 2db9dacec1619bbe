"""Colour: spaces, transfer functions, white points, cameras and gamuts; knows tensors, nothing of images or stages."""
