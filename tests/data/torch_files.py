"""PyTorch's two formats, written by hand after `torch/serialization.py`: no PyTorch needed."""

import io
import pickle
import struct
import zipfile

import numpy as np

STORAGES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}
MAGIC = 0x1950A86A20F9469CFC6C


class Global:
    """Is pickled as the mention of a name."""

    def __init__(self, module, name):
        self.text = f"{module}\n{name}\n".encode()


class Tensor:
    def __init__(self, array, *, shape=None, strides=None, offset=0, key=None, numel=None):
        self.array = np.ascontiguousarray(array)
        self.shape = self.array.shape if shape is None else shape
        in_elements = tuple(n // self.array.itemsize for n in self.array.strides)
        self.strides = in_elements if strides is None else strides
        self.offset = offset
        self.key = key
        self.numel = self.array.size if numel is None else numel


class StateDict(dict):
    """An OrderedDict with ``_metadata``."""


class Pickler(pickle._Pickler):
    def __init__(self, stream, *, legacy):
        super().__init__(stream, 2)
        self.legacy = legacy
        self.storages = {}

    def save_global_mention(self, value):
        self.write(b"c" + value.text)

    def save_tensor(self, tensor):
        key = tensor.key or str(len(self.storages))
        self.storages[key] = tensor.array
        pid = ("storage", Global("torch", STORAGES[str(tensor.array.dtype)]), key, "cpu")
        self.save_global_mention(Global("torch._utils", "_rebuild_tensor_v2"))
        self.write(b"(")
        self.save((*pid, tensor.numel, *([None] if self.legacy else [])))
        self.write(b"Q")
        for part in (tensor.offset, tensor.shape, tensor.strides, False, StateDict()):
            self.save(part)
        self.write(b"tR")

    def save_state_dict(self, value):
        self.save_global_mention(Global("collections", "OrderedDict"))
        self.write(b")R")
        for key, item in value.items():
            self.save(key)
            self.save(item)
            self.write(b"s")
        if value:
            self.save({"_metadata": {"": {"version": 1}}})
            self.write(b"b")

    dispatch = {  # noqa: RUF012 - what the base class looks into
        **pickle._Pickler.dispatch,
        Global: save_global_mention,
        Tensor: save_tensor,
        StateDict: save_state_dict,
    }


def pickled(value, *, legacy=False):
    stream = io.BytesIO()
    pickler = Pickler(stream, legacy=legacy)
    pickler.dump(value)
    return stream.getvalue(), pickler.storages


def write_zip(path, value, *, compression=zipfile.ZIP_STORED, drop=(), **changes):
    content, storages = pickled(value)
    entries = {"data.pkl": content, "byteorder": b"little"}
    entries |= {f"data/{key}": array.tobytes() for key, array in storages.items()}
    entries["version"] = b"3\n"
    entries.update(changes)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            if name not in drop:
                archive.writestr(f"weights/{name}", data)
    return path


def legacy_bytes(value, *, magic=MAGIC, version=1001, machine=None, keys=None):
    content, storages = pickled(value, legacy=True)
    machine = {"protocol_version": 1001, "little_endian": True} if machine is None else machine
    parts = [pickle.dumps(part, 2) for part in (magic, version, machine)]
    parts += [content, pickle.dumps(sorted(storages) if keys is None else keys, 2)]
    for key in sorted(storages):
        parts.append(struct.pack("<q", storages[key].size) + storages[key].tobytes())
    return b"".join(parts)
