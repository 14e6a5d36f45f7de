"""Pickles made to run code, to mislead, or to exhaust, each with the reason to refuse it."""

from __future__ import annotations

import struct

from tests.engine.checkpoint_files import MAGIC, archive, ident, in_dict, stream, tensor, text

P3, P4 = b"\x80\x03", b"\x80\x04"
NESTED = b"ctorch.storage\n_load_from_bytes\n"


def short(value: str) -> bytes:
    """SHORT_BINUNICODE."""
    return b"\x8c" + bytes([len(value)]) + value.encode()


def raw(value: bytes) -> bytes:
    """BINBYTES."""
    return b"B" + struct.pack("<I", len(value)) + value


def nested(inner: bytes) -> bytes:
    """An archive inside `torch.storage._load_from_bytes`, as a call without its tensor."""
    return NESTED + raw(inner) + b"\x85R"


def storage_stream(pickle_of_storage: bytes = b"") -> bytes:
    """The older stream around one storage."""
    return stream(pickle_of_storage or b"\x80\x02" + ident(view=b"N") + b".")


SYSTEM = b"cos\nsystem\n" + text("touch owned") + b"\x85R"
GOOD = tensor(nested(storage_stream()))
ATTACKS: dict[str, tuple[str, bytes]] = {
    "os.system": ("could run code", P3 + SYSTEM + b"."),
    "posix.system": ("could run code", P3 + b"cposix\nsystem\n" + text("touch owned") + b"\x85R."),
    "builtins.eval": (
        "could run code",
        in_dict(b"cbuiltins\neval\n" + text("open('owned','w')") + b"\x85R"),
    ),
    "builtins.exec": ("could run code", in_dict(b"c__builtin__\nexec\n" + text("1") + b"\x85R")),
    "builtins.getattr": (
        "could run code",
        in_dict(b"cbuiltins\ngetattr\n(" + GOOD + text("to_numpy") + b"tR"),
    ),
    "builtins.__import__": (
        "could run code",
        in_dict(b"cbuiltins\n__import__\n" + text("os") + b"\x85R"),
    ),
    "dotted name": ("could run code", P4 + short("builtins") + short("set.__class__") + b"\x93."),
    "operator.attrgetter": (
        "could run code",
        in_dict(b"coperator\nattrgetter\n" + text("a.b") + b"\x85R"),
    ),
    "functools.partial": (
        "could run code",
        in_dict(b"cfunctools\npartial\n(cos\nsystem\n" + text("x") + b"tR"),
    ),
    "subprocess": (
        "could run code",
        in_dict(b"csubprocess\nPopen\n" + text("touch owned") + b"\x85R"),
    ),
    "runpy": ("could run code", in_dict(b"crunpy\n_run_code\n" + text("x") + b"\x85R")),
    "pip": ("could run code", in_dict(b"cpip\nmain\n]" + text("install") + b"a\x85R")),
    "numpy.testing gadget": (
        "could run code",
        in_dict(b"cnumpy.testing._private.utils\nrunstring\n(N}tR"),
    ),
    "numpy.f2py gadget": ("could run code", in_dict(b"cnumpy.f2py.capi_maps\ngetinit\n(N}tR")),
    "numpy.load": ("could run code", in_dict(b"cnumpy\nload\n" + text("x.npy") + b"\x85R")),
    "numpy memmap": ("could run code", in_dict(b"cnumpy\nmemmap\n" + text("x") + b"\x85R")),
    "torch.load": (
        "could run code",
        in_dict(b"ctorch.serialization\nload\n" + text("x") + b"\x85R"),
    ),
    "torch.hub": (
        "could run code",
        in_dict(b"ctorch.hub\nload\n(" + text("a") + text("b") + b"tR"),
    ),
    "torch jit": ("could run code", in_dict(b"ctorch.jit\nload\n" + text("x") + b"\x85R")),
    "torch gadget": (
        "could run code",
        in_dict(b"ctorch.utils.collect_env\nrun\n" + text("touch owned") + b"\x85R"),
    ),
    "INST": ("which no checkpoint needs", P3 + b"(" + text("touch owned") + b"ios\nsystem\n."),
    "OBJ": ("which no checkpoint needs", P3 + b"(}o."),
    "EXT": ("which no checkpoint needs", P3 + b"\x82\x01)R."),
    "PERSID": ("which no checkpoint needs", P3 + b"Pvalue\n."),
    "BINPERSID in a plain pickle": ("refers to something outside itself", P3 + text("x") + b"Q."),
    "NEWOBJ_EX": (
        "which no checkpoint needs",
        P4 + short("argparse") + short("Namespace") + b"\x93)}\x92.",
    ),
    "DUP": ("which no checkpoint needs", P3 + b"}2s."),
    "NEXT_BUFFER": ("which no checkpoint needs", b"\x80\x05\x97."),
    "nested": ("could run code", in_dict(nested(P3 + SYSTEM + b"."))),
    "nested stream": ("could run code", in_dict(nested(storage_stream(P3 + SYSTEM + b".")))),
    "nested archive": ("could run code", in_dict(nested(archive(P3 + SYSTEM + b".")))),
    "nested twice": (
        "has an archive within an archive within it",
        in_dict(nested(storage_stream(P3 + nested(storage_stream()) + b"."))),
    ),
    "nested not a storage": (
        "bytes follow the end of its values",
        in_dict(tensor(nested(stream(P3 + b"].", keys=P3 + b"].", told=0, values=b""))), "w"),
    ),
    "nested text": (
        "has a nested archive that is not bytes",
        in_dict(NESTED + text("x") + b"\x85R"),
    ),
    "late payload": ("could run code", in_dict(GOOD)[:-1] + text("z") + SYSTEM + b"s."),
    "payload in a second pickle": (
        "bytes follow the end of its pickle",
        in_dict(GOOD) + P3 + SYSTEM + b".",
    ),
    "payload before corruption": ("could run code", P3 + SYSTEM + b"0}" + text("a") + b"\xff\xff"),
    "payload before the end": ("could run code", P3 + SYSTEM + b"0}"),
    "payload popped": ("could run code", P3 + SYSTEM + b"0}" + text("w") + GOOD + b"s."),
    "name by concatenation": (
        "computes the name of a global",
        P4 + short("os") + short("sys") + b"\x85" + b"0" + short("tem") + b"\x93.",
    ),
    "computed name": (
        "computes the name of a global",
        P4 + short("collections") + b"\x94(h\x00t0" + short("O") + b"0\x8c\x01a\x85\x93.",
    ),
    "name from a list": (
        "computes the name of a global",
        P4 + b"]" + short("os") + b"a" + short("system") + b"\x93.",
    ),
    "name that is a number": ("computes the name of a global", P4 + b"K\x01K\x02\x93."),
    "memo far away": ("out of turn", P3 + b"}r\xff\xff\xff\x7f" + b"."),
    "memo twice": ("out of turn", P3 + b"}q\x00" + text("a") + b"q\x00."),
    "memo never kept": ("recalls a value 7 that it never kept", P3 + b"h\x07."),
    "memo swap": (
        "out of turn",
        P4 + short("torch") + b"\x94" + short("Size") + b"0" + short("os") + b"q\x00h\x00.",
    ),
    "petabytes": ("more than there are", b"\x80\x04\x8e" + struct.pack("<Q", 2**50) + b"x."),
    "bytes at the limit of 64 bits": ("more than there are", b"\x80\x04\x8e" + b"\xff" * 8 + b"x."),
    "text of gigabytes": (
        "more than there are",
        b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b"x.",
    ),
    "buffer of petabytes": (
        "more than there are",
        b"\x80\x05\x96" + struct.pack("<Q", 2**50) + b".",
    ),
    "negative length": ("more than there are", P3 + b"T\xff\xff\xff\xff."),
    "long number": ("more than there are", P3 + b"\x8b\xff\xff\xff\x7f."),
    "long number that is there": (
        "holds a number of 4096 bytes",
        P3 + b"\x8b\x00\x10\x00\x00" + bytes(4096) + b".",
    ),
    "frame past the end": ("more than there are", P4 + b"\x95" + struct.pack("<Q", 2**40) + b"}."),
    "frame too short": (
        "an operation of its pickle crosses the end of its frame",
        P4 + b"\x95" + struct.pack("<Q", 2) + text("abcdef") + b".",
    ),
    "frame too long": (
        "a frame of its pickle is longer than the pickle",
        P4 + b"\x95" + struct.pack("<Q", 4) + b"}.}}",
    ),
    "frame in a frame": (
        "more than there are",
        P4 + b"\x95" + struct.pack("<Q", 12) + b"\x95" + struct.pack("<Q", 2) + b"}.",
    ),
    "trailing bytes": ("bytes follow the end of its pickle", in_dict(GOOD) + b"\0"),
    "two protocols": ("does not begin with one protocol number", P3 + P3 + b"}."),
    "no protocol": ("a pickle of protocol 0 or 1, which checkpoints are not written in", b"}."),
    "protocol 9": ("is of protocol 9; 2 to 5 are read", b"\x80\x09}."),
    "newer operation": ("of protocol 4", P3 + short("a") + b"."),
    "SETITEM on a list": (
        "sets an item of something that is no dict",
        P3 + b"]K\x00" + text("x") + b"s.",
    ),
    "SETITEMS on a tuple": (
        "sets an item of something that is no dict",
        P3 + b")(" + text("a") + b"K\x01u.",
    ),
    "SETITEM on a tensor": (
        "sets an item of something that is no dict",
        P3 + GOOD + text("a") + b"K\x01s.",
    ),
    "SETITEMS odd": ("sets a key without a value", P3 + b"}(K\x01u."),
    "APPEND on a dict": ("appends to something that is no list", P3 + b"}K\x01a."),
    "APPENDS on a global": (
        "appends to something that is no list",
        P3 + b"ccollections\nOrderedDict\n(K\x01e.",
    ),
    "ADDITEMS on a list": ("adds to something that is no set", P4 + b"](K\x01\x90."),
    "ADDITEMS on a frozenset": ("adds to something that is no set", P4 + b"(K\x01\x91(K\x01\x90."),
    "BUILD on a dict": ("gives a state to a value that has none", P3 + b"}}b."),
    "BUILD on a class": (
        "gives a state to a value that has none",
        P3 + b"cargparse\nNamespace\n}b.",
    ),
    "BUILD twice": (
        "an object of its pickle gets a state that does not fit",
        P3 + b"cargparse\nNamespace\n)\x81}b}b.",
    ),
    "BUILD with slots": (
        "an object of its pickle gets a state that does not fit",
        P3 + b"cargparse\nNamespace\n)\x81}}\x86b.",
    ),
    "BUILD a type with nonsense": (
        "a type of its arrays is described in an unknown way",
        P3 + b"cnumpy\ndtype\n" + text("f4") + b"\x85R(K\x03tb.",
    ),
    "REDUCE on text": ("calls something that is no listed name", P3 + text("os.system") + b")R."),
    "REDUCE on a class": (
        "calls Namespace, which is nothing to call",
        P3 + b"cargparse\nNamespace\n)R.",
    ),
    "REDUCE without a tuple": (
        "calls something that is no listed name",
        P3 + b"ccollections\nOrderedDict\n]R.",
    ),
    "NEWOBJ of a function": (
        "makes an object of a class that is not listed",
        P3 + b"ctorch._utils\n_rebuild_tensor_v2\n)\x81.",
    ),
    "NEWOBJ with arguments": (
        "makes an object of a class that is not listed",
        P3 + b"cargparse\nNamespace\nK\x01\x85\x81.",
    ),
    "object array": ("which is not read here", in_dict(b"cnumpy\ndtype\n" + text("O8") + b"\x85R")),
    "structured array": (
        "which is not read here",
        in_dict(b"cnumpy\ndtype\n" + text("V8") + b"\x85R"),
    ),
    "unhashable key": (
        "a dict of its pickle has a key that is neither text nor a number",
        P3 + b"}]K\x01s.",
    ),
    "deep key": (
        "a dict of its pickle has a key that is neither text nor a number",
        P3 + b"})" + b"\x85" * 50_000 + b"K\x01s.",
    ),
    "marks": ("nests more than 500 deep", P3 + b"(" * 100_000 + b"."),
    "no mark": ("has a TUPLE without a mark", P3 + b"t."),
    "empty stack": ("uses a value that is not there", P3 + b"0."),
    "two values": ("leaves more or less than one value", P3 + b"}}."),
    "nothing left": ("leaves more or less than one value", P3 + b"."),
    "text that is not UTF-8": ("holds text that is not UTF-8", P3 + b"X\x01\x00\x00\x00\xff."),
    "global of megabytes": (
        "names a global that is too long or cut off",
        P3 + b"c" + b"a" * 1_000_000 + b"\nb\n.",
    ),
    "magic in the wrong place": ("does not begin with one protocol number", P3 + MAGIC),
}
