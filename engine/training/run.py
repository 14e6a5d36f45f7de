"""Start training from a shell: `python -m engine.training.run --work DIR`.

The command line of the application calls the same `train`; this door needs nothing above it.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from engine.cancel import CancelToken
from engine.errors import AtelierError
from engine.training.options import DEFAULT_PLAN, TrainStyleGAN2, parse_stages
from engine.training.progress import Progress
from engine.training.train_stylegan2 import train


def options(arguments: list[str]) -> TrainStyleGAN2:
    """Read the options of one run. Raises TrainingError when they do not fit together."""
    parser = argparse.ArgumentParser(description="Train the Portraits StyleGAN2.")
    parser.add_argument("--work", type=Path, required=True, help="folder of this run")
    parser.add_argument("--cache", type=Path, help="folder for drawn pictures")
    parser.add_argument("--init", type=Path, help="generator weights to start from")
    parser.add_argument("--guide", type=Path, help="folder of an attribute network")
    parser.add_argument("--stages", default=DEFAULT_PLAN, help="size:thousands:fade,...")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--device", default="auto")
    numbers = {"portraits": int, "data_seed": int, "seed": int, "batch": int, "z_dim": int,
               "w_dim": int, "mapping_layers": int, "channel_base": int, "channel_max": int,
               "learning_rate": float, "gamma_scale": float, "gamma_floor": float,
               "mixing": float, "taught": int, "perceptual": float, "rivalry": float,
               "rival_rate": float, "taught_matrix_rate": float, "taught_rate": float,
               "polished": int, "head_start": int, "guide_weight": float, "ema_images": int,
               "ada_target": float}  # fmt: skip
    for name, kind in numbers.items():
        default = TrainStyleGAN2.__dataclass_fields__[name].default
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=default)
    given = vars(parser.parse_args(arguments))
    stages = parse_stages(given.pop("stages"))
    return TrainStyleGAN2(stages=stages, resolution=stages[-1].resolution, **given)


def say(line: str) -> None:
    """Write a line to stderr at once."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def show(progress: Progress) -> None:
    """One line on stderr."""
    parts = [f"{progress.elapsed_s / 60:6.1f} min", progress.message]
    if progress.remaining_s is not None:
        parts.append(f"about {progress.remaining_s / 60:.0f} min left")
    say("  ".join(parts))


def main(arguments: list[str] | None = None) -> int:
    """Train; 0 when done or stopped, 1 when refused."""
    cancel = CancelToken()

    def stop(number: int, frame: FrameType | None) -> None:
        say("Stopping after this step, checkpoint first.")
        cancel.cancel()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        path = train(options(sys.argv[1:] if arguments is None else arguments), show, cancel)
    except AtelierError as error:
        say(str(error))
        return 1
    say(f"Weights in {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
