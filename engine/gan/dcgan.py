"""The DCGAN generator (Radford et al., 2015): transposed convolutions, batch norm, ReLU, tanh.

The layers stand in one sequence `main`, numbered as in the widely used PyTorch layout.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.errors import ModelError
from engine.gan.dcgan_config import DCGANConfig
from engine.gan.direct import NoiselessSynthesis, ZIsW

# Radford et al. (2015), section 4: weights from a normal distribution of deviation 0.02.
DEVIATION = 0.02


class Synthesis(NoiselessSynthesis):
    """z to an image; in evaluation mode batch norm uses its running statistics."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        for index, (fan_in, width, enlarges) in enumerate(config.hidden()):
            conv: nn.Module
            if enlarges:
                # The first layer takes one pixel to 4x4; every other doubles the size.
                stride, padding = (1, 0) if index == 0 else (2, 1)
                conv = nn.ConvTranspose2d(fan_in, width, 4, stride, padding, bias=config.bias)
            else:
                conv = nn.Conv2d(fan_in, width, 3, padding=1, bias=config.bias)
            layers += [conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        last = config.channels[-1]
        layers += [
            nn.ConvTranspose2d(last, config.img_channels, 4, 2, 1, bias=config.rgb_bias),
            nn.Tanh(),
        ]
        self.main = nn.Sequential(*layers)
        self._start()

    def images(
        self, ws: Float[Tensor, "n 1 z_dim"], resolution: int | None = None, top_gain: float = 1.0
    ) -> Float[Tensor, "n img_channels r r"]:
        """The image of each w. Raises ModelError for any resolution but the one it makes."""
        if resolution not in (None, self.config.resolution):
            raise ModelError(
                f"This DCGAN makes pictures of {self.config.resolution} px only, got {resolution}."
            )
        image: Tensor = self.main(ws[:, 0, :, None, None])
        return image

    @torch.no_grad()
    def _start(self) -> None:
        for layer in self.main:
            if isinstance(layer, nn.ConvTranspose2d | nn.Conv2d):
                layer.weight.normal_(0.0, DEVIATION)
            elif isinstance(layer, nn.BatchNorm2d):
                layer.weight.normal_(1.0, DEVIATION)


class Generator(nn.Module):
    """Mapping, which changes nothing, and synthesis. `generator(z)` is a picture."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = ZIsW(config)
        self.synthesis = Synthesis(config)

    def forward(self, z: Float[Tensor, "n z_dim"]) -> Float[Tensor, "n img_channels r r"]:
        """Image float32 in [-1, 1], NCHW."""
        return self.synthesis.images(z[:, None])
