"""Prepared experiments: the classic failures of adversarial training, and what mends each.

The settings of each were found by trying; the figures that they are held to are measured over many
seeds by `bench --suite labs` and `evaluate labs`.
"""

from __future__ import annotations

from dataclasses import replace

from engine.course import Preset
from engine.training_spec import (
    Adversarial,
    Denoising,
    EnergyBased,
    Grid,
    Hinge,
    LeastSquares,
    Loss,
    MinMax,
    Moons,
    Network,
    NonSaturating,
    Optimiser,
    Spiral,
    TrainingSpec,
    Wasserstein,
    WassersteinPenalty,
)

STEPS = 3000
CALM = Optimiser(rate=2e-3, beta1=0.0, beta2=0.99)


def _game(loss: Loss, both: Optimiser = CALM, d_steps: int = 1, noise: float = 0.0) -> Adversarial:
    return Adversarial(loss, noise=noise, g_optimiser=both, d_optimiser=both, d_steps=d_steps)


COLLAPSE = replace(
    Adversarial(NonSaturating()),
    g_optimiser=Optimiser(rate=2e-3, beta1=0.5, beta2=0.9),
    d_optimiser=Optimiser(rate=1e-4, beta1=0.5, beta2=0.9),
)
CLIPPED = replace(
    _game(Wasserstein(0.1), Optimiser(1e-3, 0.0, 0.9), d_steps=3),
    discriminator=Network(width=128),  # of a narrower one the box leaves too little
)
MOMENTUM = Optimiser(rate=2e-3, beta1=0.9, beta2=0.999)
# Two rates (Heusel et al., 2017): the discriminator keeps up.
GENTLE = replace(
    Adversarial(NonSaturating(), r1=0.1),
    g_optimiser=Optimiser(rate=1e-3, beta1=0.0, beta2=0.99),
    d_optimiser=CALM,
)
# Plain descent for the generator: Adam would scale a vanishing gradient up again.
SURE = replace(
    Adversarial(MinMax(), d_steps=5),
    g_optimiser=Optimiser(rate=0.05, beta1=0.0, beta2=0.99, kind="sgd"),
    d_optimiser=Optimiser(rate=5e-3, beta1=0.0, beta2=0.99),
)

PRESETS: tuple[Preset, ...] = (
    Preset(
        "collapse",
        "Mode collapse",
        "The generator learns twenty times as fast as the discriminator. It puts all points "
        "where that one is fooled now, moves on when found out, and never covers the ring.",
        TrainingSpec(method=COLLAPSE, steps=STEPS),
        source="Goodfellow et al., 2014, section 6; Metz et al., 2016.",
    ),
    Preset(
        "collapse-wgan-gp",
        "Collapse: WGAN-GP",
        "A critic with a slope near 1 everywhere tells every point which way mass is missing. "
        "The points spread over all eight modes.",
        TrainingSpec(
            method=_game(WassersteinPenalty(0.1), Optimiser(2e-3, 0.0, 0.9), d_steps=2),
            steps=STEPS,
        ),
        "collapse",
        "Gulrajani et al., 2017.",
    ),
    Preset(
        "collapse-wgan",
        "Collapse: WGAN, clipped",
        "The critic's weights are held in a small box, which bounds its slope. Look at the field: "
        "it is smoother and poorer than with the penalty, though the critic is twice as wide.",
        TrainingSpec(method=CLIPPED, steps=STEPS),
        "collapse",
        "Arjovsky et al., 2017.",
    ),
    Preset(
        "collapse-r1",
        "Collapse: R1",
        "The same loss as in the collapse, a discriminator that keeps up, and a price on its "
        "slope at real points: it stays gentle where the data are.",
        TrainingSpec(method=GENTLE, steps=STEPS),
        "collapse",
        "Mescheder et al., 2018.",
    ),
    Preset(
        "collapse-lsgan",
        "Collapse: LSGAN and R1",
        "Squared distances pull points far from the decision line, too. Try a = −1, b = 1, c = 0 "
        "for the Pearson chi-square divergence.",
        TrainingSpec(method=replace(GENTLE, loss=LeastSquares()), steps=STEPS),
        "collapse",
        "Mao et al., 2017.",
    ),
    Preset(
        "collapse-hinge",
        "Collapse: hinge and R1",
        "The discriminator stops pushing samples that it is sure of; R1 keeps it gentle, and two "
        "steps to each of the generator's keep it ahead.",
        TrainingSpec(method=replace(GENTLE, loss=Hinge(), d_steps=2), steps=STEPS),
        "collapse",
        "Lim and Ye, 2017.",
    ),
    Preset(
        "collapse-ebgan",
        "Collapse: EBGAN",
        "The discriminator is an autoencoder; the repelling term pushes the codes of generated "
        "points apart, and a little noise keeps it unsure. Set Repelling to 0 and watch them "
        "gather again.",
        TrainingSpec(
            method=_game(EnergyBased(1.0, 1.0), Optimiser(1e-3, 0.0, 0.99), d_steps=2, noise=0.15),
            steps=STEPS,
        ),
        "collapse",
        "Zhao et al., 2016.",
    ),
    Preset(
        "collapse-noise",
        "Collapse: noise",
        "Noise on real and generated points makes the two overlap, so that the discriminator can "
        "never be sure.",
        TrainingSpec(method=_game(NonSaturating(), noise=0.15), steps=STEPS),
        "collapse",
        "Sønderby et al., 2017; Arjovsky and Bottou, 2017.",
    ),
    Preset(
        "oscillation",
        "Oscillation",
        "Two players with momentum circle around the equilibrium instead of reaching it: the "
        "losses swing, the gradient stays large, and modes are lost and found again.",
        TrainingSpec(method=_game(NonSaturating(), MOMENTUM), steps=STEPS),
        source="Mescheder et al., 2017; Gidel et al., 2019.",
    ),
    Preset(
        "oscillation-r1",
        "Oscillation: R1",
        "Without momentum and with R1 the same game spirals inward: the losses settle, and the "
        "generator's gradient falls to a tenth.",
        TrainingSpec(method=GENTLE, steps=STEPS),
        "oscillation",
        "Mescheder et al., 2018.",
    ),
    Preset(
        "vanishing",
        "Vanishing gradients",
        "A discriminator trained five times as much is sure of itself, and log(1 − D) is flat "
        "there: the gradient of G is a small part of what −log D gives, and few points move.",
        TrainingSpec(method=SURE, batch=64, steps=1000),
        source="Goodfellow et al., 2014, section 3; Arjovsky and Bottou, 2017.",
    ),
    Preset(
        "vanishing-nonsaturating",
        "Vanishing: −log D",
        "The same two players with −log D for the generator: steep exactly where the "
        "discriminator is sure.",
        TrainingSpec(method=replace(SURE, loss=NonSaturating()), batch=64, steps=1000),
        "vanishing",
        "Goodfellow et al., 2014.",
    ),
    Preset(
        "vanishing-wgan-gp",
        "Vanishing: WGAN-GP",
        "A critic may be trained as far as one likes: its slope never vanishes.",
        TrainingSpec(method=replace(SURE, loss=WassersteinPenalty(0.1)), batch=64, steps=1000),
        "vanishing",
        "Arjovsky et al., 2017; Gulrajani et al., 2017.",
    ),
    Preset(
        "grid",
        "Twenty-five modes",
        "WGAN-GP on a grid. Watch it find the outer modes first.",
        TrainingSpec(
            Grid(),
            _game(WassersteinPenalty(0.1), Optimiser(2e-3, 0.0, 0.9), d_steps=2),
            steps=6000,
        ),
        source="Gulrajani et al., 2017.",
    ),
    Preset(
        "ddpm-ring",
        "Ring",
        "The colours are the exact log-density of the noised data, the arrows the score that the "
        "network has learned: they should climb. Move Noise to data to see both at every level.",
        TrainingSpec(method=Denoising(), steps=4000),
        source="Ho et al., 2020; Song et al., 2021.",
    ),
    Preset(
        "ddpm-spiral",
        "Spiral",
        "Curves are no harder than modes. Ask for one arm, and raise Guidance.",
        TrainingSpec(Spiral(), Denoising(), steps=4000),
        source="Ho et al., 2020.",
    ),
    Preset(
        "ddpm-moons",
        "Two moons",
        "Compare samplers: DDIM with 5 steps, Heun with 5, DDPM with 100.",
        TrainingSpec(Moons(), Denoising(), steps=4000),
        source="Karras et al., 2022.",
    ),
)


def preset(key: str) -> Preset:
    """The experiment of that key."""
    return next(preset for preset in PRESETS if preset.key == key)
