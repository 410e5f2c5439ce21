import type { TensorSource } from "../../formats/tensor-source.js";
import { CheckpointError } from "../../types/errors.js";
import { shown } from "../../types/shown.js";

/** What stands before the names of all tensors in some files. */
const BODY = "model.";
/** vLLM's and speculators' name of the only layer; SafeAILab/EAGLE's is "midlayer.". */
const LAYER = "layers.0.";
const MIDLAYER = "midlayer.";
/** Buffers that follow from others, and the target's own tensors that speculators may leave in a file. */
const IGNORED = /^(t2d|verifier_(norm|lm_head)\.weight|.*rotary_emb\.inv_freq)$/;
const KNOWN =
  /^(d2t|(fc|norm|lm_head|embed_tokens|input_norm|fc_norm\.\d)\.weight|midlayer\.((hidden_norm|input_layernorm|post_attention_layernorm|mlp\.(gate|up|down)_proj)\.weight|mlp\.(gate|up|down)_proj\.bias|self_attn\.[qkvo]_proj\.(weight|bias)))$/;

/**
 * From the names that SafeAILab/EAGLE gives to the tensors of EAGLE-3 heads, which SpecForge shares, to those in a file,
 * which may be vLLM's or speculators'.
 * @param path names the file in errors
 * @throws CheckpointError for heads of EAGLE-1 and EAGLE-2, several layers, and tensors that no head has
 */
export function eagleNames(names: Iterable<string>, path: string): Map<string, string> {
  const theirs = new Map<string, string>();
  for (const name of names) {
    const known = canonical(name);
    if (IGNORED.test(known)) continue;
    if (theirs.has(known)) {
      throw new CheckpointError(`${path} holds ${shown(theirs.get(known)!)} and ${shown(name)}, which are one tensor`);
    }
    theirs.set(known, name);
  }
  if (!theirs.has(`${MIDLAYER}hidden_norm.weight`) && theirs.has("fc.weight")) {
    throw new CheckpointError(
      `${path} has no hidden_norm: heads of EAGLE-1 and EAGLE-2 are not supported, EAGLE-3's are`,
    );
  }
  for (const [known, name] of theirs) if (!KNOWN.test(known)) throw unknown(name, known, path);
  return theirs;
}

/** Whether tensors are those of EAGLE heads, of any version, by their names. */
export function hasEagleNames(names: Iterable<string>): boolean {
  return new Set([...names].map(canonical)).has("fc.weight");
}

function canonical(name: string): string {
  const own = name.startsWith(BODY) ? name.slice(BODY.length) : name;
  if (own === "draft_id_to_target_id") return "d2t";
  return own.startsWith(LAYER) ? MIDLAYER + own.slice(LAYER.length) : own;
}

function unknown(name: string, known: string, path: string): CheckpointError {
  const what = /^layers\.\d+\./.test(known)
    ? "EAGLE-3 heads of several layers are not supported"
    : "expected names such as midlayer.self_attn.q_proj.weight or layers.0.self_attn.q_proj.weight";
  return new CheckpointError(`${path} has a tensor ${shown(name)}: ${what}`);
}

/** The tensors of heads under the names of SafeAILab/EAGLE. */
export function withEagleNames(source: TensorSource, theirs: ReadonlyMap<string, string>): TensorSource {
  const nameOf = (name: string) => theirs.get(name) ?? "";
  return {
    names: () => theirs.keys(),
    info: (name) => (theirs.has(name) ? source.info(nameOf(name)) : undefined),
    readRows: (name, start, count, into) => source.readRows(nameOf(name), start, count, into),
    integers: async (name) => (theirs.has(name) ? source.integers?.(nameOf(name)) : undefined),
    digest: () => source.digest(),
    close: () => source.close(),
  };
}
