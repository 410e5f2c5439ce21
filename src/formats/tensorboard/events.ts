import pb from "protobufjs/minimal.js";
import { maskedCrc32c } from "./crc32c.js";

/** What TensorBoard is told at a moment. Field numbers are those of tensorflow/core/util/event.proto and summary.proto. */
export type BoardEvent = { seconds: number; step: number } & (
  | { scalars: Readonly<Record<string, number>> }
  /** A new part of the run: what was told of this step and later ones does not count any more. */
  | { begin: true }
);

const VARINT = 0;
const DOUBLE = 1;
const BYTES = 2;
const FLOAT = 5;
const SESSION_START = 1;

const tag = (field: number, type: number) => (field << 3) | type;

/** The record that a file of events begins with. */
export function fileVersion(seconds: number): Uint8Array {
  const event = pb.Writer.create().uint32(tag(1, DOUBLE)).double(seconds);
  return record(event.uint32(tag(3, BYTES)).string("brain.Event:2").finish());
}

/** An event as a record. */
export function eventRecord(event: BoardEvent): Uint8Array {
  const writer = pb.Writer.create().uint32(tag(1, DOUBLE)).double(event.seconds);
  writer.uint32(tag(2, VARINT)).int64(event.step);
  if ("begin" in event) {
    writer.uint32(tag(7, BYTES)).fork().uint32(tag(1, VARINT)).int32(SESSION_START).ldelim();
    return record(writer.finish());
  }
  writer.uint32(tag(5, BYTES)).fork();
  for (const [name, value] of Object.entries(event.scalars)) {
    writer.uint32(tag(1, BYTES)).fork();
    writer.uint32(tag(1, BYTES)).string(name).uint32(tag(2, FLOAT)).float(value).ldelim();
  }
  return record(writer.ldelim().finish());
}

/** TFRecord framing: length, its checksum, data, their checksum. */
function record(data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(data.length + 16);
  bytes.writeBigUInt64LE(BigInt(data.length), 0);
  bytes.writeUInt32LE(maskedCrc32c(bytes.subarray(0, 8)), 8);
  bytes.set(data, 12);
  bytes.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return bytes;
}
