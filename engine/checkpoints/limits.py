"""What the reading child may use, and what it may do: set before it opens the file."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

SPARE_BYTES = 400 * 2**20
COPIES = 3  # the mapped file, and twice its size where bfloat16 becomes float32
MIB = 2**20
REFUSE_S = 8.0  # until the structure is known to be sound; with all around it, below 10
COPY_S = 60.0  # after that, and a second more for every 10 MB
COPY_BYTES_A_SECOND = 10 * MIB
_FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.startfile",
    "subprocess.Popen", "pickle.find_class", "marshal.loads", "socket.", "ctypes.", "import",
    "compile", "exec", "shutil.", "urllib.", "webbrowser.",
)  # fmt: skip


def copy_s(size: int) -> float:
    """Seconds that a sound file of `size` bytes may take from start to end."""
    return REFUSE_S + COPY_S + size / COPY_BYTES_A_SECOND


def limit_memory_and_time(size: int) -> None:
    """Bound this process for a file of `size` bytes, as far as the system can.

    Memory may grow by the file, which is mapped, and 400 MiB until `allow_copies`; a good file
    takes about its own size. Without `resource` (Windows) the parent's clock and the readers' own
    budgets remain.
    """
    try:
        import resource
    except ImportError:
        return
    wanted = {
        "RLIMIT_CPU": int(copy_s(size)) + 1,
        "RLIMIT_FSIZE": COPIES * size + 64 * MIB,
        "RLIMIT_CORE": 0,
    }
    for name, value in wanted.items():
        _limit(getattr(resource, name), value, value)
    start = _address_space() + SPARE_BYTES
    _limit(resource.RLIMIT_AS, start + size, start + COPIES * size)


def allow_copies() -> None:
    """Let a file that was found sound be copied out, up to twice its size."""
    try:
        import resource
    except ImportError:
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    _limit(resource.RLIMIT_AS, hard, hard)


def _limit(kind: int, soft: int, hard: int) -> None:
    import resource

    now = resource.getrlimit(kind)[1]
    if now != resource.RLIM_INFINITY:
        soft, hard = min(soft, now), min(hard, now)
    try:
        resource.setrlimit(kind, (soft, hard))
    except (OSError, ValueError):
        return  # macOS refuses some of them


def _address_space() -> int:
    """Bytes of address space in use; 8 GiB where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[0])
    except OSError:
        return 8 * 2**30
    import resource

    return pages * resource.getpagesize()


def forbid_actions() -> None:
    """From now on this process starts no program, opens no connection and imports nothing.

    The readers do none of it; should one be led astray all the same, the child ends.
    """

    def hook(event: str, _: tuple[Any, ...]) -> None:
        if event.startswith(_FORBIDDEN):
            _end(event)

    sys.addaudithook(hook)


def _end(event: str) -> NoReturn:
    raise SystemExit(f"{event} is forbidden while an untrusted file is read")
