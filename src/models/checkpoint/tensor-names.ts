import type { TensorInfo, TensorSource } from "../../formats/tensor-source.js";
import { CheckpointError } from "../../types/errors.js";
import { shown } from "../../types/shown.js";
import { DRAFT_TO_TARGET } from "../draft-vocabulary.js";

export const EMBEDDING = "model.embed_tokens.weight";
export const HEAD = "lm_head.weight";
const BODY = "model.";

/**
 * The same tensors under the names that transformers' decoders have: "model.embed_tokens.weight", "model.layers.0...",
 * "lm_head.weight". A base model saved alone lacks the prefix, wrappers add to it ("module.", "language_model.").
 * A tied checkpoint that holds the head alone offers it as the embedding too.
 * @throws CheckpointError when there are tensors of several models and none has the usual names
 */
export function withModelNames(source: TensorSource, tied: boolean): TensorSource {
  const names = new Set(source.names());
  const prefix = prefixIn(names) ?? BODY;
  const outside = prefix.endsWith(BODY) ? prefix.slice(0, -BODY.length) : prefix;
  const head = [HEAD, outside + HEAD, prefix + HEAD].find((name) => names.has(name)) ?? HEAD;
  const embedding = prefix + EMBEDDING.slice(BODY.length);
  const headAlone = tied && !names.has(embedding) && names.has(head);
  if (prefix === BODY && head === HEAD && !headAlone) return source;
  const theirs = new Map<string, string>();
  for (const name of names) {
    if (name === head) theirs.set(headAlone ? EMBEDDING : HEAD, name);
    else if (name === DRAFT_TO_TARGET) theirs.set(name, name);
    else if (name.startsWith(prefix)) theirs.set(BODY + name.slice(prefix.length), name);
  }
  return new RenamedSource(source, theirs);
}

/** What stands before "embed_tokens.weight", or before the first layer where there is no embedding. */
function prefixIn(names: ReadonlySet<string>): string | undefined {
  for (const known of ["embed_tokens.weight", "layers.0.input_layernorm.weight"]) {
    const prefixes: string[] = [];
    for (const name of names) {
      if (name === known || name.endsWith(`.${known}`)) prefixes.push(name.slice(0, -known.length));
    }
    if (prefixes.includes(BODY)) return BODY;
    if (prefixes.length === 1) return prefixes[0];
    if (prefixes.length > 1) {
      throw new CheckpointError(
        `the checkpoint holds several models, with ${shown(prefixes[0] + known)} and ${shown(prefixes[1] + known)}: save the one that is wanted alone`,
      );
    }
  }
  return undefined;
}

/** The tensors that have a name in `theirs`, from the name here to the one in the file. */
class RenamedSource implements TensorSource {
  constructor(
    private readonly source: TensorSource,
    private readonly theirs: ReadonlyMap<string, string>,
  ) {}

  names(): Iterable<string> {
    return this.theirs.keys();
  }

  info(name: string): TensorInfo | undefined {
    const theirs = this.theirs.get(name);
    return theirs === undefined ? undefined : this.source.info(theirs);
  }

  readRows(name: string, start: number, count: number, into: Float32Array): Promise<void> {
    return this.source.readRows(this.theirs.get(name)!, start, count, into);
  }

  async integers(name: string): Promise<number[] | undefined> {
    return this.theirs.has(name) ? this.source.integers?.(this.theirs.get(name)!) : undefined;
  }

  digest(): Promise<string> {
    return this.source.digest();
  }

  async knownDigest(): Promise<string | undefined> {
    return this.source.knownDigest?.();
  }

  close(): Promise<void> {
    return this.source.close();
  }
}
