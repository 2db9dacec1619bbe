"""Start a larger network from a smaller trained one, computing the same at first.

After T. Chen, I. Goodfellow, J. Shlens, "Net2Net", ICLR 2016, in its simplest form: old channels are
copied, what comes from new channels starts at zero, and new blocks start as the identity.
"""

from __future__ import annotations

import re

from torch import Tensor, nn


def grow(small: dict[str, Tensor], net: nn.Module) -> nn.Module:
    """Copy the weights ``small`` (a state of the same architecture, nowhere larger) into ``net``."""
    state = net.state_dict()
    for name, value in state.items():
        old = small.get(name)
        if old is None:
            if re.search(r"\.second\.(weight|bias)$", name):
                value.zero_()
            continue
        if any(o > n for o, n in zip(old.shape, value.shape, strict=True)):
            raise ValueError(f"{name} is larger in the small network: {tuple(old.shape)} > {tuple(value.shape)}")
        if value.ndim == 4:
            value[: old.shape[0], old.shape[1] :] = 0
        if value.ndim == 1:
            value[old.shape[0] :] = 0
        value[tuple(slice(0, n) for n in old.shape)] = old
    missing = set(small) - set(state)
    if missing:
        raise ValueError(f"the larger network has no place for {', '.join(sorted(missing))}")
    net.load_state_dict(state)
    return net
