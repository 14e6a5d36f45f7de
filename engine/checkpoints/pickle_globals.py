"""The only names that a pickle may mention, and the stand-in each one means.

Gathered from genuine files: StyleGAN2-ADA and StyleGAN3 (persistence), the TensorFlow releases of
ProGAN, StyleGAN and StyleGAN2 (Network), rosinality's training checkpoints (argparse), and
torch.save in all its versions. Nothing here is ever imported: a name is only a word.
"""

from __future__ import annotations

from engine.checkpoints.refusal import UNSAFE, refuse, shown

STORAGES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": "bf16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "b1",
    "UntypedStorage": "u1",
}
_TORCH_VALUES = (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8",
    "bool", "contiguous_format", "channels_last", "preserve_format", "strided",
)  # fmt: skip
_MODULES = {
    "activation": ("ReLU", "LeakyReLU", "Sigmoid", "Tanh", "Softmax", "GELU", "SiLU", "ELU"),
    "batchnorm": ("BatchNorm1d", "BatchNorm2d"),
    "container": ("Sequential", "ModuleList", "ModuleDict", "ParameterList"),
    "conv": ("Conv1d", "Conv2d", "ConvTranspose2d"),
    "dropout": ("Dropout", "Dropout2d"),
    "flatten": ("Flatten",),
    "instancenorm": ("InstanceNorm2d",),
    "linear": ("Linear", "Identity"),
    "normalization": ("LayerNorm", "GroupNorm"),
    "padding": ("ReflectionPad2d", "ZeroPad2d"),
    "pooling": ("AvgPool2d", "MaxPool2d", "AdaptiveAvgPool2d"),
    "sparse": ("Embedding",),
    "upsampling": ("Upsample",),
}


def _table() -> dict[tuple[str, str], str]:
    table = {
        ("collections", "OrderedDict"): "ordered dict",
        ("collections", "defaultdict"): "default dict",
        ("argparse", "Namespace"): "namespace",
        ("dnnlib.util", "EasyDict"): "easy dict",
        ("_codecs", "encode"): "encode",
        ("torch_utils.persistence", "_reconstruct_persistent_obj"): "persistent",
        ("dnnlib.tflib.network", "Network"): "tf network",
        ("tfutil", "Network"): "tf network",
        ("numpy", "dtype"): "dtype",
        ("numpy", "ndarray"): "ndarray",
        ("torch", "Size"): "size",
        ("torch", "device"): "device",
        ("torch._utils", "_rebuild_tensor"): "tensor",
        ("torch._utils", "_rebuild_tensor_v2"): "tensor",
        ("torch._utils", "_rebuild_parameter"): "parameter",
        ("torch._utils", "_rebuild_parameter_with_state"): "parameter",
        ("torch._tensor", "_rebuild_from_type_v2"): "typed tensor",
        ("torch", "Tensor"): "tensor type",
        ("torch.nn.parameter", "Parameter"): "tensor type",
        ("torch.storage", "_load_from_bytes"): "nested",
        ("torch.storage", "UntypedStorage"): "storage",
    }
    table |= {("torch", name): "storage" for name in STORAGES}
    table |= {("torch", name): "torch value" for name in _TORCH_VALUES}
    for folder in ("numpy.core", "numpy._core"):
        table[(f"{folder}.multiarray", "_reconstruct")] = "new array"
        table[(f"{folder}.multiarray", "scalar")] = "scalar"
        table[(f"{folder}.numeric", "_frombuffer")] = "array of buffer"
    for builtins in ("builtins", "__builtin__"):
        table |= {(builtins, name): name for name in ("set", "frozenset", "dict", "list", "bytes")}
    for file, names in _MODULES.items():
        table |= {(f"torch.nn.modules.{file}", name): "module" for name in names}
    return table


ALLOWED = _table()


def meaning_of(module: str, name: str) -> str:
    """What stands in for `module.name`. Raises Refusal for every name that is not listed."""
    meaning = ALLOWED.get((module, name))
    if meaning is None:
        refuse(f"its pickle asks for {shown(f'{module}.{name}', 80)}, which could run code", UNSAFE)
    return meaning
