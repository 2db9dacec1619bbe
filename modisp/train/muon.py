"""Muon: momentum whose steps are made orthogonal, for the hidden convolutions.

K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024. On the small
plain networks here it reaches AdamW's loss in well under half the steps for a few percent more time.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def orthogonal(matrix: Tensor, rounds: int = 5) -> Tensor:
    """(n, m) → nearly the closest matrix with singular values of 1 (Newton-Schulz, quintic)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(rounds):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """For weights of two or more dimensions; ``lr`` is the size of a step relative to the weight."""

    def __init__(self, params: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step along the orthogonalised momentum."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                nesterov = p.grad.lerp(state["momentum"], group["momentum"])
                flat = orthogonal(nesterov.reshape(len(p), -1))
                # Same root-mean-square change whatever the shape (as AdamW's is about lr).
                scale = (max(flat.shape) ** 0.5) * 0.2
                p.add_(flat.view_as(p), alpha=-group["lr"] * scale)
