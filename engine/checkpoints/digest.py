"""The digest that names a set of weights, whatever file they came in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import numpy as np


def weights_sha256(tensors: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over the tensors sorted by name, lower-case hex.

    Each tensor adds one line of JSON, `["name","dtype",[shape]]` in UTF-8 with a newline, and then
    its values in C order, little-endian, in the type they are stored in. So a pickle, a
    safetensors file and an ONNX graph that hold the same tensors under the same names have one
    digest. dtype is NumPy's name, such as "float16".
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        array = tensors[name]
        head = [name, array.dtype.name, list(array.shape)]
        line = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
        digest.update(line.encode() + b"\n")
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(little.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
