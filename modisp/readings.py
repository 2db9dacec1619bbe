"""What stages measure, kept by what they saw."""

from __future__ import annotations

import json
from collections.abc import Callable

from modisp.cache import Cache, key_of
from modisp.image import Frame, Image
from modisp.keys import identity
from modisp.stage import Probe, Reading, Stage
from modisp.steps import Step
from modisp.tiles import one_thread


def read(step: Step, pinned: Reading | None, pull: Callable[[Frame], Image], cache: Cache, draft: bool) -> Reading:
    """What the step's stage measures on the whole picture, as ``pull`` gives it, or what is pinned.

    A draft takes what was measured wherever straight parameters stood, if that is all there is.
    """
    stage = step.stage
    if pinned is not None:
        return pinned
    if type(stage).measure is Stage.measure:
        return Reading()
    how = identity(stage, inference=True)
    key, rough = (key_of("reading", before, *how) for before in (step.seen_key, "about " + step.loose))
    data = cache.get_data(key) or (cache.get_data(rough) if draft else None)
    if data is None:
        with one_thread():
            found = stage.measure(Probe(step.meta, step.full, stage.reads, pull))
        data = json.loads(json.dumps(found.dump()))
        for k in (key, rough):
            cache.put_data(k, data)
    return Reading.load(data)
