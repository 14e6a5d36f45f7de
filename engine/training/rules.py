"""What each loss asks of the two players: the one place that knows which function is whose."""

from __future__ import annotations

from torch import Tensor

from engine.training import losses
from engine.training_spec import (
    EnergyBased,
    Hinge,
    LeastSquares,
    Loss,
    MinMax,
    NonSaturating,
    Wasserstein,
    WassersteinPenalty,
)


def discriminator_loss(loss: Loss, real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator makes small, penalties aside. real, fake: its answers, [n]."""
    match loss:
        case MinMax() | NonSaturating():
            return losses.logistic_discriminator(real, fake)
        case Wasserstein() | WassersteinPenalty():
            return losses.wasserstein_critic(real, fake)
        case LeastSquares(a, b, _):
            return losses.least_squares_discriminator(real, fake, a, b)
        case EnergyBased(margin, _):
            return losses.energy_discriminator(real, fake, margin)
        case Hinge():
            return losses.hinge_discriminator(real, fake)
    raise TypeError(f"no rules for {loss.op}")


def generator_loss(loss: Loss, fake: Tensor) -> Tensor:
    """What the generator makes small, the repelling term aside. fake: the answers to its work."""
    match loss:
        case MinMax():
            return losses.minmax_generator(fake)
        case NonSaturating():
            return losses.nonsaturating_generator(fake)
        case Wasserstein() | WassersteinPenalty():
            return losses.wasserstein_generator(fake)
        case LeastSquares(_, _, c):
            return losses.least_squares_generator(fake, c)
        case EnergyBased():
            return losses.energy_generator(fake)
        case Hinge():
            return losses.hinge_generator(fake)
    raise TypeError(f"no rules for {loss.op}")


def penalty_weight(loss: Loss) -> float:
    """What the gradient penalty counts; 0 for a loss without one."""
    return loss.penalty if isinstance(loss, WassersteinPenalty) else 0.0


def clip_limit(loss: Loss) -> float | None:
    """Where the critic's weights are clipped after each of its steps; None for no clipping."""
    return loss.clip if isinstance(loss, Wasserstein) else None


def repelling_weight(loss: Loss) -> float:
    """What the pulling-away term counts in the generator's loss."""
    return loss.repelling if isinstance(loss, EnergyBased) else 0.0


def wants_r1(loss: Loss) -> bool:
    """Whether R1 goes with the loss: not with critics, which have a rule for their slope of their
    own, and not with energies."""
    return not isinstance(loss, Wasserstein | WassersteinPenalty | EnergyBased)


def judges_by_energy(loss: Loss) -> bool:
    """Whether the discriminator is an autoencoder, whose answer is low for what is real."""
    return isinstance(loss, EnergyBased)
