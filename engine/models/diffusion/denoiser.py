"""A diffusion model as the denoising loop asks for it, and what its pictures are in pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from hashlib import sha256
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from engine.denoising import DenoiserInfo
from engine.diffusion.attention import Perturbation
from engine.diffusion.guidance import Perturbed, Unhelped
from engine.diffusion.schedule import Prediction, Schedule
from engine.errors import ModelError
from engine.frame import BackendName
from engine.latent.interpolate import slerp
from engine.models.diffusion.decoder import Decoder
from engine.models.diffusion.denoisers import stored_weights
from engine.models.diffusion.housing import Housing, needs_of

WHOLE = ""  # the prefix of a network that is all of a model
LOOKS = 4  # at pictures, kept
CHANGED = Perturbed, Unhelped  # conditions of a network that is not as it usually is


class Denoiser(ABC):
    """A Network of the loop. Conditions are `Weights`, or `Told` for published models.

    shape: of one picture's noise. bounded: whether a predicted picture has the range [-1, 1], which
    thresholding holds it in. housing: where the networks of a published model live. perturbation:
    of its self-attention.
    """

    shape: tuple[int, int, int]
    bounded = True
    housing: Housing | None = None
    _bare: Tensor | None = None  # True for pictures that no ControlNet helps in this call
    _shown: Tensor | None = None

    def __init__(
        self,
        info: DenoiserInfo,
        schedule: Schedule,
        prediction: Prediction,
        backend: BackendName,
    ) -> None:
        self.info, self.backend = info, backend
        self.perturbation = Perturbation()
        self.schedule, self.prediction = schedule, prediction
        # The backends make one picture, but not to the last bit.
        self.digest = f"{info.sha256}/{backend}"
        self._looks: dict[str, Tensor | None] = {}

    def opened(self, networks: Mapping[str, nn.Module], beside: int = 0) -> dict[str, Any]:
        """The networks with their weights, as the memory of this machine has room for them. beside:
        numbers of ControlNets that come with it. Raises ModelError."""
        tensors = stored_weights(self.info.folder, self.info.sha256)
        needs = needs_of(networks, tensors, self.info.resolution, beside)
        self.housing = Housing.of(needs, self.info.name)
        if not self.housing.plan.plain:
            self.digest += f"/{self.housing.plan.way}"
        return self.housing.filled_all(networks, tensors, self.info.name)

    def suits(self, beside: int) -> bool:
        """See Housing."""
        return self.housing is None or self.housing.suits(beside, self.info.name)

    @torch.no_grad()
    def show(
        self,
        image: Float[Tensor, "1 3 h w"],
        inside: Float[Tensor, "1 1 h w"] | None = None,
        seed: int = 0,
    ) -> None:
        """Let it see a picture in the run that comes; nothing for a model that sees none.

        image: in [-1, 1]. inside: 1 where it is drawn anew, None for everywhere. seed: of noise in
        what it sees.
        """
        self._shown = self._looked(image, inside, seed)

    def forget(self) -> None:
        """Let it see nothing in the run that comes."""
        self._shown = None

    def _looked(self, image: Tensor, inside: Tensor | None, seed: int) -> Tensor | None:
        """As _look; the last few are kept, while something else changes."""
        given = [image] if inside is None else [image, inside]
        names = [sha256(part.float().numpy().tobytes()).hexdigest() for part in given]
        key = f"{' '.join(names)} {seed}"
        if key not in self._looks:
            if len(self._looks) == LOOKS:
                del self._looks[next(iter(self._looks))]
            self._looks[key] = self._look(image, inside, seed)
        return self._looks[key]

    def _look(self, image: Tensor, inside: Tensor | None, seed: int) -> Tensor | None:
        """What it sees of a picture; see show."""
        return None

    @property
    def shown(self) -> Tensor:
        """What it sees in this run. Raises ModelError where it was shown nothing."""
        if self._shown is None:
            raise ModelError(f"{self.info.name} looks at a picture and was given none.")
        return self._shown

    @property
    def says(self) -> int:
        """The numbers that a CLIP says of a picture, for a model that draws one like it; else 0."""
        return 0

    @torch.no_grad()
    def said_of(self, image: Float[Tensor, "1 3 h w"], seed: int) -> Float[Tensor, "1 said"]:
        """What its CLIP says of a picture in [-1, 1], as of the one that it is shown."""
        looked = self._looked(image, None, seed)
        assert looked is not None
        return looked[:, : self.says]

    def toward(self, said: Float[Tensor, "1 said"], share: float) -> Self:
        """The same model, shown something between its picture and what else was said."""
        found, now = copy(self), self.shown
        between = arc(now[:, : self.says], said, share)
        found._shown = torch.cat([between, now[:, self.says :]], dim=1)
        return found

    @property
    def how(self) -> str:
        """How its networks are held, "" where that changes no picture."""
        if self.housing is None or self.housing.plan.plain:
            return ""
        return self.housing.plan.how

    @property
    def tile(self) -> int:
        """The side of what is decoded at once, in px; 0 for all."""
        return 0 if self.housing is None else self.housing.plan.tile

    def predict(
        self, x: Float[Tensor, "n ..."], t: float, conditions: Sequence[Any]
    ) -> Float[Tensor, "conditions n ..."]:
        """See Network."""
        n, k = len(x), len(conditions)
        told = [one.condition if isinstance(one, CHANGED) else one for one in conditions]
        with torch.no_grad(), self._changed(conditions, n):
            out = self._answer(x.float().repeat(k, 1, 1, 1), t, told)
        learned = self.schedule.variance == "learned_range"
        kept = out[:, : (2 if learned else 1) * self.shape[0]]
        return kept.reshape(k, n, *kept.shape[1:])

    def differentiable(
        self, x: Float[Tensor, "n ..."], t: float, condition: Any
    ) -> Float[Tensor, "n ..."]:
        """See Network."""
        return self._answer(x, t, [condition])[:, : self.shape[0]]

    @contextmanager
    def _changed(self, conditions: Sequence[Any], n: int) -> Iterator[None]:
        """While it answers for these, n pictures each: with self-attention perturbed, and with no
        ControlNet's help, for those that say so."""
        perturbed, self._bare = (_rows(conditions, kind, n) for kind in CHANGED)
        try:
            with self.perturbation.told(perturbed):
                yield
        finally:
            self._bare = None

    @abstractmethod
    def _answer(self, x: Tensor, t: float, conditions: Sequence[Any]) -> Tensor:
        """The output for x, whose pictures stand condition by condition, as many for each. More
        channels than those of a picture tell of the variance."""

    def pixels(self, x0: Float[Tensor, "n ..."]) -> Float[Tensor, "n 3 r r"]:
        """The pictures that x0 stands for, nominally in [-1, 1]; with a gradient."""
        return x0

    def codes(self, pixels: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n ..."]:
        """The x0 of pictures in [-1, 1]."""
        return pixels

    def preview(self, x0: Float[Tensor, "n ..."]) -> Float[Tensor, "n 3 s s"]:
        """About what x0 stands for, in no time."""
        return x0


def _rows(conditions: Sequence[Any], kind: type, n: int) -> Tensor | None:
    """True for the pictures of conditions of that kind, n each; None where there are none."""
    found = [isinstance(one, kind) for one in conditions]
    return torch.tensor(found).repeat_interleave(n) if any(found) else None


def arc(
    here: Float[Tensor, "1 n"], there: Float[Tensor, "1 n"], share: float
) -> Float[Tensor, "1 n"]:
    """The way on a sphere from what one vector points at to what another does, at the first one's
    length: what a CLIP says of pictures has a length, and what it says of texts has none."""
    far = normalize(there, dim=1) * here.norm(dim=1, keepdim=True)
    return torch.from_numpy(slerp(here.numpy(), far.numpy(), share))


class CodeDenoiser(Denoiser):
    """One that makes codes, which `decoder` turns into pixels and back."""

    decoder: Decoder
    bounded = False

    def pixels(self, x0: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 3 r r"]:
        """See Denoiser."""
        return self.decoder.pixels(x0)

    def codes(self, pixels: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n c s s"]:
        """See Denoiser."""
        return self.decoder.codes(pixels)

    def preview(self, x0: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 3 s s"]:
        """See Denoiser."""
        return self.decoder.preview(x0)
