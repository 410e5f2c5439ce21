import pb from "protobufjs/minimal.js";

/** Where an initializer of a saved model lies. */
export interface ExternalInitializer {
  location: string;
  offset: number;
  length: number;
  /** Other entries, e.g. prepacked_0: where the packed form lies. A graph that refers to the file must repeat them. */
  extra: Record<string, string>;
}

/** Fields of onnx.proto3. */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_NAME = 8;
const TENSOR_EXTERNAL_DATA = 13;

/** The external initializers of an ONNX model, by name. */
export function readExternalInitializers(model: Uint8Array): Map<string, ExternalInitializer> {
  const found = new Map<string, ExternalInitializer>();
  fields(pb.Reader.create(model), (field, reader) => {
    if (field !== MODEL_GRAPH) return false;
    fields(nested(reader), (inner, graph) => {
      if (inner !== GRAPH_INITIALIZER) return false;
      readInitializer(nested(graph), found);
      return true;
    });
    return true;
  });
  return found;
}

function readInitializer(reader: pb.Reader, found: Map<string, ExternalInitializer>): void {
  let name = "";
  const entries: Record<string, string> = {};
  fields(reader, (field, tensor) => {
    if (field === TENSOR_NAME) name = tensor.string();
    else if (field === TENSOR_EXTERNAL_DATA) {
      let key = "";
      let value = "";
      fields(nested(tensor), (inner, entry) => {
        if (inner === 1) key = entry.string();
        else if (inner === 2) value = entry.string();
        else return false;
        return true;
      });
      entries[key] = value;
    } else return false;
    return true;
  });
  const { location, offset, length, ...extra } = entries;
  if (location !== undefined) found.set(name, { location, offset: Number(offset ?? 0), length: Number(length), extra });
}

/** Calls `take` for each field; skips those that it does not take. */
function fields(reader: pb.Reader, take: (field: number, reader: pb.Reader) => boolean): void {
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (!take(tag >>> 3, reader)) reader.skipType(tag & 7);
  }
}

function nested(reader: pb.Reader): pb.Reader {
  return pb.Reader.create(reader.bytes());
}
