"""The bundled ControlNet and the model that it helps: their graphs answer as torch does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.diffusion.guidance import Unhelped, coefficients, helping
from engine.frame import BackendName
from engine.models.diffusion.control import Helper, control_numbers, open_control
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.models.library import ModelLibrary

ASKED = (("a smiling woman", 1.0),)


@pytest.fixture(scope="module")
def helped() -> LatentDenoiser:
    """The model of texts with two ControlNets beside it, which follow what nobody drew."""
    library = ModelLibrary(Path("nowhere"))
    info = next(one for one in library.denoisers() if one.name == "portraits-latent")
    control = next(one for one in library.controls() if one.name == "portraits-edges")
    network = LatentDenoiser(info, 2 * control_numbers(control))
    assert network.housing is not None
    opened = open_control(control, network.housing)
    assert opened.session is not None
    rng = torch.Generator().manual_seed(3)
    for scale in (0.9, 0.4):
        lines = (torch.rand(1, 1, 64, 64, generator=rng) > 0.9).float().expand(-1, 3, -1, -1)
        network = network.helped(Helper(opened, lines, scale))
    return network


def test_graphs_answer_as_torch_does(helped: LatentDenoiser) -> None:
    x = torch.randn(2, *helped.shape, generator=torch.Generator().manual_seed(4))
    quick = helped.predict(x, 300.0, [ASKED, ()])
    for found, condition in zip(quick, (ASKED, ()), strict=True):
        with torch.enable_grad():  # the graphs know none
            slow = helped.differentiable(x, 300.0, condition).detach()
        torch.testing.assert_close(found, slow, atol=1e-4, rtol=1e-3)


def test_what_is_followed_counts(helped: LatentDenoiser) -> None:
    x = torch.randn(1, *helped.shape, generator=torch.Generator().manual_seed(4))
    alone = LatentDenoiser(helped.info)
    assert (helped.predict(x, 300.0, [ASKED]) - alone.predict(x, 300.0, [ASKED])).abs().max() > 0.1


@pytest.mark.parametrize("backend", [None, "torch"])
def test_help_is_left_out_where_it_is_moved_away_from(
    helped: LatentDenoiser, backend: BackendName | None
) -> None:
    alone = LatentDenoiser(helped.info, backend=backend)
    network = alone
    for helper in helped._helpers:
        network = network.helped(helper)
    x = torch.randn(2, *helped.shape, generator=torch.Generator().manual_seed(4))
    both = network.predict(x, 300.0, [ASKED, Unhelped(ASKED)])
    torch.testing.assert_close(both[0], network.predict(x, 300.0, [ASKED])[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(both[1], alone.predict(x, 300.0, [ASKED])[0], atol=1e-4, rtol=1e-3)


def test_guidance_goes_away_from_what_nothing_helped() -> None:
    assert coefficients("c", [helping("c", 2.5)]) == {"c": 2.5, Unhelped("c"): -1.5}
    assert coefficients("c", [helping("c", 1.0)]) == {"c": 1.0}
