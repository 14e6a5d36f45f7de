"""What the reading child may use, and what it may do: set before it opens the file."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

SPARE_BYTES = 448 * 2**20
FACTOR = 3  # the mapped file, and twice its size where bfloat16 becomes float32
MIB = 2**20
REFUSE_S = 10.0  # until the structure is known to be sound
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

    Memory may grow by three times the file and 448 MiB; a good file takes about its own size.
    Without `resource` (Windows) the parent's clock and the readers' own budgets remain.
    """
    try:
        import resource
    except ImportError:
        return
    wanted = {
        "RLIMIT_AS": _address_space() + FACTOR * size + SPARE_BYTES,
        "RLIMIT_CPU": int(copy_s(size)) + 1,
        "RLIMIT_FSIZE": FACTOR * size + 64 * MIB,
        "RLIMIT_CORE": 0,
    }
    for name, value in wanted.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):
            continue  # macOS refuses some of them


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
