"""modisp: a modular, stage-separable neural image signal processor for RAW photographs."""
