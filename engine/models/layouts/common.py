"""What the layouts of the classic generators share besides what every family does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from engine.gan.config_fields import MAX_RESOLUTION
from engine.models.family import Shapes, Tensors, has_part


class Origins(Mapping[str, str]):
    """Where a file's tensors were only renamed: our name to the file's, also for tensors that the
    file lacks, so that a message can name them as the file would."""

    def __init__(self, found: Mapping[str, str], theirs: Callable[[str], str]) -> None:
        """found: the tensors that the file has. theirs: any other of our names to the file's."""
        self._found, self._theirs = found, theirs

    def __getitem__(self, name: str) -> str:
        return self._found[name] if name in self._found else self._theirs(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def affine(name: str, *weight: int) -> Shapes:
    """A layer's weight, whose first size is the outputs, and a bias for each output."""
    return {f"{name}.weight": weight, f"{name}.bias": weight[:1]}


def grown_resolutions(tensors: Tensors, prefix: str) -> list[int]:
    """4, 8, ... as far as there are tensors called prefix and the size, such as `r8.`."""
    sizes = [4]
    while sizes[-1] < MAX_RESOLUTION and has_part(tensors, f"{prefix}{sizes[-1] * 2}."):
        sizes.append(sizes[-1] * 2)
    return sizes
