/**
 * Reads what PyTorch's torch.save() wrote, in the format that it has had since 1.6: a zip archive with a pickle
 * (data.pkl) that describes tensors, and one file for each storage, the memory that one or more of them look into.
 *
 * The pickle can build tensors and containers, and nothing else: it runs no code.
 *
 * @module
 */
import { fileKind, KIND_BYTES } from "./file_kind.ts";
import { openParts } from "./file_parts.ts";
import { textKeys, unpickle } from "./pickle.ts";
import { ARRAYS, type Dtype, elementsOf, type HostTensor, isCount, type StoredTensor } from "./tensors.ts";
import { openZip, type ZipRecord } from "./zip.ts";

/** PyTorch's storages by name, with the dtype of what they hold. */
const STORAGES: Record<string, Dtype> = {
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  DoubleStorage: "F64",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

/** What PyTorch names for dtypes that are no storages' above, such as complex and eight-bit floats, and for sparse tensors. */
const UNREAD = /^torch\.(_utils\._rebuild_\w*tensor\w*|\w+Storage|storage\.UntypedStorage)$/;

/** A pickle describes tensors and does not hold them: ViT-H with its optimiser's state takes less than a megabyte. */
const MAX_PICKLE = 1 << 22;

/** Python 3's names and, in protocol 2, Python 2's. */
const SETS = ["builtins.set", "builtins.frozenset", "__builtin__.set", "__builtin__.frozenset"];

/** The type of a storage, as an argument in the pickle. */
class StorageType {
  constructor(readonly name: string, readonly dtype: Dtype) {}
}

/** A storage: a file in the archive. */
class Storage {
  constructor(readonly record: ZipRecord, readonly dtype: Dtype) {}
}

/** Whether a value of torchFile() is a tensor. */
export function isStoredTensor(value: unknown): value is StoredTensor {
  return typeof value === "object" && value !== null && "read" in value && "dtype" in value;
}

/** The elements of a view as a tensor of its own, in row-major order; `from` holds those from the view's first one on. */
function gather(from: HostTensor["data"], to: HostTensor["data"], shape: readonly number[], stride: readonly number[]) {
  const index = new Array(shape.length).fill(0);
  let place = 0;
  for (let i = 0; i < to.length; i++) {
    to[i] = from[place];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += stride[axis];
      if (++index[axis] < shape[axis]) break;
      place -= stride[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

/** A view of a storage, as torch._utils._rebuild_tensor makes it. */
function viewOf(args: unknown[], fail: (why: string) => never): StoredTensor {
  const [storage, offset, sizes, steps] = args;
  if (
    !(storage instanceof Storage) || !isCount(offset) || !Array.isArray(sizes) || !sizes.every(isCount) ||
    !Array.isArray(steps) || steps.length !== sizes.length || !steps.every(isCount)
  ) {
    return fail("it describes a tensor by what are no storage, offset, shape and strides");
  }
  // Copied: the rest of the pickle can still append to a list.
  const shape: number[] = [...sizes], stride: number[] = [...steps];
  const { record, dtype } = storage, bytes = ARRAYS[dtype].BYTES_PER_ELEMENT;
  const elements = elementsOf(shape);
  const span = elements === 0 ? 0 : shape.reduce((last, size, axis) => last + (size - 1) * stride[axis], 1);
  if ((offset + span) * bytes > record.size) {
    fail(`a tensor of shape [${shape}] and strides [${stride}] reaches beyond its storage, ${record.name}`);
  }
  if (elements > span) {
    fail(`a tensor of shape [${shape}] shows elements of ${record.name} more than once: save it after .contiguous()`);
  }
  return {
    dtype,
    shape,
    async read() {
      const { buffer } = await record.read(offset * bytes, span * bytes);
      const seen = new ARRAYS[dtype](buffer);
      // As many elements as it spans, none shown twice by strides in falling order: they lie as they should.
      const falling = stride.every((step, axis) => shape[axis] === 1 || step === elementsOf(shape.slice(axis + 1)));
      if (falling) return { dtype, shape, data: seen } as HostTensor;
      const data = new ARRAYS[dtype](elements);
      gather(seen, data, shape, stride);
      return { dtype, shape, data } as HostTensor;
    },
  };
}

/** Says what kind of file it is, where it is no zip archive. */
async function refuseOther(path: string): Promise<void> {
  const file = await openParts(path);
  const start = await file.read(0, Math.min(KIND_BYTES, file.size));
  if (start[0] === 0x50 && start[1] === 0x4b) return;
  if (start[0] === 0x80 && start[1] <= 5) {
    throw new Error(
      `${path} is in the format that PyTorch wrote before 1.6, which is not read here: convert it in Python with ` +
        "torch.save(torch.load(FILE, map_location='cpu'), FILE).",
    );
  }
  throw new Error(`${path} is not a file of torch.save(): ${fileKind(start) ?? "it is no zip archive"}.`);
}

/**
 * What torch.save() was given: dictionaries as Maps, lists and tuples as arrays, tensors as StoredTensors.
 *
 * @throws Error that names the file where it is damaged, of another format, or asks for more than tensors and containers
 */
export async function torchFile(path: string): Promise<unknown> {
  await refuseOther(path);
  const records = await openZip(path);
  const fail = (why: string): never => {
    throw new Error(`${path} is not a file of torch.save() that can be read: ${why}.`);
  };
  const [pickle, ...others] = [...records.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  if (!pickle || others.length) fail("it should hold one data.pkl");
  if (pickle.size > MAX_PICKLE) fail(`its pickle has ${pickle.size} bytes, more than any checkpoint needs`);
  const folder = pickle.name.slice(0, -"data.pkl".length);
  if (records.has(`${folder}constants.pkl`)) fail("it is a TorchScript program: save the model's state_dict() instead");
  const order = records.get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(await order.read(0, order.size)) !== "little") {
    fail("its numbers are not little-endian");
  }

  const failPickle = (why: string) => fail(`in its pickle ${pickle.name}, ${why}`);
  const tensor = (args: unknown[]) => viewOf(args, failPickle);
  const items = (args: unknown[]) => {
    const [values = []] = args;
    return args.length <= 1 && Array.isArray(values) ? values : failPickle("a container is made of what is no list");
  };
  const types = Object.entries(STORAGES).map(([name, dtype]) => [`torch.${name}`, new StorageType(name, dtype)]);
  return unpickle(await pickle.read(0, pickle.size), {
    constants: Object.fromEntries(types),
    callables: {
      "collections.OrderedDict": (args) => {
        const pairs = items(args);
        if (!pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
          failPickle("a dictionary is made of what are no pairs");
        }
        return new Map(pairs as [unknown, unknown][]);
      },
      ...Object.fromEntries(SETS.map((name) => [name, (args: unknown[]) => new Set(items(args))])),
      "torch.Size": items,
      "torch._utils._rebuild_tensor": tensor,
      "torch._utils._rebuild_tensor_v2": (args) => {
        // Then requires_grad, hooks, and flags such as "conj", under which the storage holds other values.
        const flags = args[6];
        if (flags instanceof Map && flags.size) failPickle(`a tensor has the flags ${textKeys(flags)}`);
        return tensor(args);
      },
      "torch._utils._rebuild_parameter": ([data]) =>
        isStoredTensor(data) ? data : failPickle("a parameter is made of what is no tensor"),
    },
    refusal: (name) =>
      UNREAD.test(name)
        ? " for a tensor that is not read here: save it dense, in float32, float16 or bfloat16"
        : ", and nothing but tensors and containers is built from a file: save the model's state_dict() alone",
    persistent(id) {
      const [kind, type, key, , elements] = Array.isArray(id) ? id : [];
      if (kind !== "storage" || !(type instanceof StorageType) || typeof key !== "string") {
        return failPickle("something lies outside of it that is no storage");
      }
      const record = records.get(`${folder}data/${key}`);
      if (!record) return failPickle(`it asks for the storage data/${key}, which the file does not hold`);
      const bytes = ARRAYS[type.dtype].BYTES_PER_ELEMENT;
      if (!isCount(elements)) return failPickle(`the storage data/${key} has no number of elements`);
      if (elements * bytes !== record.size) {
        failPickle(`the storage data/${key} should hold ${elements} numbers of ${bytes} bytes, but has ${record.size}`);
      }
      return new Storage(record, type.dtype);
    },
  }, failPickle);
}
