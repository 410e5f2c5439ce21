import { WholeFile } from "../../files/whole-file.js";
import { encoded, type NewTensor } from "../new-tensor.js";
import { elementCount, type TensorDtype } from "../tensor-source.js";
import { ZipWriter } from "./zip-writer.js";

const STORAGES: Readonly<Record<TensorDtype, string>> = {
  F32: "FloatStorage",
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
};

/** Writes tensors of floats as torch.save writes a dictionary of them; the file appears whole or not at all. */
export async function writePytorch(path: string, tensors: readonly NewTensor[], dtype: TensorDtype): Promise<void> {
  const file = await WholeFile.create(path);
  try {
    const zip = new ZipWriter(file);
    await zip.add("archive/data.pkl", stateDict(tensors, STORAGES[dtype]));
    await zip.add("archive/byteorder", Buffer.from("little"));
    for (const [i, { values }] of tensors.entries()) await zip.add(`archive/data/${i}`, encoded(values, dtype));
    await zip.add("archive/version", Buffer.from("3\n"));
    await zip.end();
    await file.finish();
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** The pickle (protocol 2) of a dictionary of tensors, each with a storage of its own. */
function stateDict(tensors: readonly NewTensor[], storage: string): Buffer {
  const items = tensors.flatMap(({ name, shape }, i) => [text(name), tensor(shape, storage, i)]);
  return Buffer.concat([opcode("\x80\x02}("), ...items, opcode("u.")]);
}

/** A call of torch._utils._rebuild_tensor_v2 (storage, offset, shape, strides, requires_grad, backward_hooks). */
function tensor(shape: readonly number[], storage: string, index: number): Buffer {
  const strides = shape.map((_, i) => elementCount(shape.slice(i + 1)));
  const id = tuple(
    ...[text("storage"), opcode(`ctorch\n${storage}\n`), text(String(index)), text("cpu")],
    integer(elementCount(shape)),
  );
  const hooks = opcode("ccollections\nOrderedDict\n)R");
  return Buffer.concat([
    opcode("ctorch._utils\n_rebuild_tensor_v2\n"),
    tuple(id, opcode("Q"), integer(0), integers(shape), integers(strides), opcode("\x89"), hooks),
    opcode("R"),
  ]);
}

const opcode = (bytes: string) => Buffer.from(bytes, "latin1");
const tuple = (...parts: readonly Buffer[]) => Buffer.concat([opcode("("), ...parts, opcode("t")]);
const integers = (values: readonly number[]) => tuple(...values.map(integer));

function integer(value: number): Buffer {
  const bytes = Buffer.from("J0000");
  bytes.writeInt32LE(value, 1);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.from("X0000");
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
