import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PytorchFile } from "../../../src/formats/pytorch/pytorch.js";
import { temporaryFolder } from "../../support/models.js";
import {
  global,
  integer,
  integers,
  PROTOCOL,
  pytorchZip,
  STOP,
  stateDict,
  tensor,
  text,
  tuple,
  type ZipFile,
  zip,
} from "../../support/pytorch-files.js";
import { refusal } from "../../support/refusal.js";

const pytorch = (bytes: Uint8Array) => {
  const path = join(temporaryFolder(), "x.bin");
  writeFileSync(path, bytes);
  return PytorchFile.open(path);
};
const bytes = (content: string) => Buffer.from(content, "latin1");
const pickle = (...parts: Buffer[]) => Buffer.concat([PROTOCOL, ...parts, STOP]);
const memo = (index: number) => bytes(`q${String.fromCharCode(index)}`);
const recall = (index: number) => bytes(`h${String.fromCharCode(index)}`);

/** A list of two of a list of two of ..., 2 ** 30 texts when it is joined, and asked for as a global's name. */
const doubled = pickle(
  ...[bytes("]"), text("a"), bytes("a"), memo(0)],
  ...Array.from({ length: 30 }, (_, i) =>
    Buffer.concat([bytes("]"), recall(i), bytes("a"), recall(i), bytes("a"), memo(i + 1)]),
  ),
  ...[recall(30), recall(30), bytes("\x93")],
);
const zeros = tuple(bytes("K\0".repeat(90_000)));
const remembered = tensor({ shape: Buffer.concat([zeros, bytes("q\x01")]), strides: recall(1) });
const again = tensor({ shape: recall(1), strides: recall(1) });

test.each<[name: string, pickle: Buffer, says: RegExp]>([
  ["lists that double", doubled, /names a global by what is no text/],
  ["a shape of 90,000 sizes", stateDict([["w", tensor({ shape: zeros, strides: zeros })]]), /not described as PyTorch/],
  [
    "one such shape for many tensors",
    stateDict([["w", remembered], ...Array.from({ length: 2000 }, (_, i): [string, Buffer] => [`${i}`, again])]),
    /not described as PyTorch/,
  ],
  ["strides of another length", stateDict([["w", tensor({ strides: integers(1) })]]), /not described as PyTorch/],
  ["a negative size", stateDict([["w", tensor({ shape: integers(2, -2) })]]), /not described as PyTorch/],
  ["a list that holds itself", pickle(bytes("]q\0h\0a")), /holds no dictionary of tensors/],
  ["tuples 90,000 deep", pickle(bytes(`)${"\x85".repeat(90_000)}`)), /holds no dictionary of tensors/],
  ["a deep tuple as a name", pickle(bytes(`)${"\x85".repeat(90_000)})\x93`)), /names a global by what is no text/],
  ["a stack without end", pickle(bytes("]".repeat(150_000))), /nests too deep/],
  ["a million opcodes", pickle(bytes(`(${"]".repeat(90_000)}t`.repeat(12))), /more than 600000 opcodes/],
  [
    "a list that grows",
    pickle(bytes(`](${"N".repeat(90_000)}e`), bytes(`(${"N".repeat(90_000)}e`.repeat(12))),
    /opcodes/,
  ],
  ["a pickle of 9 MB", pickle(text("x".repeat(9 << 20))), /"x\/data\.pkl" has 9437\d+ bytes, at most 8388608/],
  ["a number of 255 bytes", pickle(bytes(`\x8a\xff${"\x01".repeat(255)}`)), /number of 255 bytes/],
  ["a text longer than the file", pickle(bytes("X\xff\xff\xff\x7f")), /longer than the file/],
  ["a call", pickle(global("os", "system"), tuple(text("exit")), bytes("R")), /calls "os system".*refused/],
  [
    "a call with a name to hide behind",
    pickle(global("\x1b[2J\u009b", "x".repeat(1e6)), tuple(), bytes("R")),
    /calls "\\u001b\[2J\\u009b x{20,80}\.\.\., which/,
  ],
  [
    "a rebuilding function that calls itself",
    stateDict([
      [
        "w",
        Buffer.concat([
          global("torch._tensor", "_rebuild_from_type_v2"),
          bytes("q\0"),
          tuple(recall(0), integer(0), tuple(recall(0))),
          bytes("R"),
        ]),
      ],
    ]),
    /calls "torch\._tensor _rebuild_from_type_v2"/,
  ],
])("pickles: %s", async (_, content, says) => {
  expect(await refusal(() => pytorch(pytorchZip(content, [new Uint8Array(16)])))).toMatch(says);
});

const good: ZipFile[] = [
  { name: "x/data.pkl", data: stateDict([["w", tensor()]]) },
  { name: "x/data/0", data: new Uint8Array(16) },
];
const changed = (change: Partial<ZipFile>) => zip([good[0], { ...good[1], ...change }]);
const patched = (archive: Buffer, offsetFromEnd: number, value: number, wide = false) => {
  const copy = Buffer.from(archive);
  if (wide) copy.writeBigUInt64LE(BigInt(value), copy.length - offsetFromEnd);
  else copy.writeUInt32LE(value, copy.length - offsetFromEnd);
  return copy;
};

test.each<[name: string, archive: Buffer, says: RegExp]>([
  ["a size beyond the file", changed({ size: 0xffff_fff0 }), /ends beyond the file's entries/],
  ["a size that reaches into the directory", changed({ size: 20 }), /runs into|ends beyond/],
  ["two entries over the same bytes", changed({ header: 0 }), /ends beyond the next one's start/],
  ["one name twice", zip([...good, good[1]]), /the entry "x\/data\/0" is there twice/],
  ["compressed", changed({ method: 8 }), /"x\/data\/0" is compressed/],
  [
    "a name to hide behind",
    changed({ method: 8, name: "\x1b]0;\u202e\n" }),
    /entry "\\u001b\]0;\\u202e\\n" is compressed/,
  ],
  ["no pickle", zip([good[1]]), /has no data\.pkl/],
  ["a header elsewhere", zip([{ ...good[0], header: 3 }, good[1]]), /"x\/data\.pkl" is missing/],
  ["a directory beyond the file", patched(zip(good), 6, 0x7fff_ffff), /directory lies outside the file/],
  ["a directory of 4 GB", patched(zip(good), 10, 0xffff_fff0), /directory lies outside the file/],
  [
    "zip64: entries without number",
    patched(zip(good, true), 42 + 24, 2 ** 52, true),
    /directory lies outside the file/,
  ],
  ["zip64: a directory nowhere", patched(zip(good, true), 42 + 8, 2 ** 60, true), /directory lies outside the file/],
  [
    "zip64: a record nowhere",
    patched(zip(good, true), 22 + 12, 2 ** 60, true),
    /zip64 directory is missing|cannot be read/,
  ],
])("zip archives: %s", async (_, archive, says) => {
  const work = async () => {
    const file = await pytorch(archive);
    await file.readRows("w", 0, 2, new Float32Array(4)).finally(() => file.close());
  };
  expect(await refusal(work)).toMatch(says);
});

test("the same archives undamaged are read", async () => {
  for (const zip64 of [false, true]) {
    const file = await pytorch(zip(good, zip64));
    expect(file.info("w")).toEqual({ dtype: "F32", shape: [2, 2] });
    await file.close();
  }
});
