import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What TensorBoard would take from an event of a file. */
export interface ReadEvent {
  seconds: number;
  step: number;
  version?: string;
  /** A session's status. */
  status?: number;
  scalars: Record<string, number>;
}

/** CRC-32C bit by bit (RFC 3720, B.4), masked as in tensorflow/core/lib/hash/crc32c.h. */
function masked(bytes: Uint8Array): number {
  let crc = 0xffff_ffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f6_3b78n : crc >> 1n;
  }
  crc ^= 0xffff_ffffn;
  const rotated = ((crc >> 15n) | (crc << 17n)) & 0xffff_ffffn;
  return Number((rotated + 0xa282_ead8n) & 0xffff_ffffn);
}

/** The fields of a protobuf message: numbers of fixed width as their bytes. */
function fieldsOf(message: Buffer): [field: number, value: Buffer | number][] {
  const fields: [number, Buffer | number][] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++];
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  const bytes = (count: number) => {
    at += count;
    return message.subarray(at - count, at);
  };
  while (at < message.length) {
    const key = varint();
    const type = key & 7;
    const value = type === 0 ? varint() : bytes(type === 1 ? 8 : type === 5 ? 4 : varint());
    fields.push([key >> 3, value]);
  }
  return fields;
}

function eventOf(data: Buffer): ReadEvent {
  const event: ReadEvent = { seconds: Number.NaN, step: 0, scalars: {} };
  for (const [field, value] of fieldsOf(data)) {
    if (field === 1) event.seconds = (value as Buffer).readDoubleLE();
    else if (field === 2) event.step = value as number;
    else if (field === 3) event.version = (value as Buffer).toString();
    else if (field === 7) event.status = fieldsOf(value as Buffer)[0][1] as number;
    else if (field === 5) {
      for (const [, scalar] of fieldsOf(value as Buffer)) {
        const parts = new Map(fieldsOf(scalar as Buffer));
        event.scalars[String(parts.get(1))] = (parts.get(2) as Buffer).readFloatLE();
      }
    } else throw new Error(`an event has a field ${field}`);
  }
  return event;
}

/** Reads all files of events in a folder, in TensorBoard's order. @throws for a checksum that is wrong */
export function readEvents(folder: string): ReadEvent[] {
  const names = readdirSync(folder).filter((name) => name.includes("tfevents"));
  return names.sort().flatMap((name) => {
    const file = readFileSync(join(folder, name));
    const events: ReadEvent[] = [];
    for (let at = 0; at < file.length; ) {
      const length = Number(file.readBigUInt64LE(at));
      const data = file.subarray(at + 12, at + 12 + length);
      if (file.readUInt32LE(at + 8) !== masked(file.subarray(at, at + 8)))
        throw new Error("a length's checksum is wrong");
      if (file.readUInt32LE(at + 12 + length) !== masked(data)) throw new Error("an event's checksum is wrong");
      events.push(eventOf(data));
      at += length + 16;
    }
    return events;
  });
}
