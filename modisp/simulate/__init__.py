"""A camera of our own: any linear scene, photographed by a sensor whose every property is known, with the truth beside it."""

from modisp.simulate.cameras import CAMERAS
from modisp.simulate.files import simulate_file
from modisp.simulate.scenes import Scene, list_scenes, scene
from modisp.simulate.sensor import CFAS, noise_of, simulate
from modisp.simulate.spectra import LIGHTS

__all__ = [
    "CAMERAS",
    "CFAS",
    "LIGHTS",
    "Scene",
    "list_scenes",
    "noise_of",
    "scene",
    "simulate",
    "simulate_file",
]
