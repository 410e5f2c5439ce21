import { CheckpointError } from "../../types/errors.js";
import { escaped, shown } from "../../types/shown.js";

/** The tensors of one Medusa head. */
export interface MedusaHeadTensors {
  /** ResBlocks, in order; none for a plain linear head. */
  blocks: readonly { weight: string; bias?: string }[];
  /** The head's own output product; absent: the base's is shared. */
  lmHead?: string;
}

/** More heads than anybody trains: a name such as 99999.0.weight is damage. */
const MAX_HEADS = 64;
const MAX_BLOCKS = 16;

/** Where a tensor belongs: in a head's block of a number, or in its output product. */
interface Place {
  head: number;
  block?: number;
  part: "weight" | "bias";
}

/** How the tensors of heads are named, and which keys of config.json count them. */
export interface MedusaLayout {
  example: string;
  headsKey: string;
  blocksKey: string;
  /** Where the tensor belongs; undefined for a name that the layout has not. */
  place(name: string): Place | undefined;
}

/** Medusa's repository and its descendants: "[medusa_head.]HEAD.LAYER.linear.weight", "HEAD.LAYER.weight". */
export const MEDUSA: MedusaLayout = {
  example: "0.0.linear.weight and 0.1.weight",
  headsKey: "medusa_num_heads",
  blocksKey: "medusa_num_layers",
  place(name) {
    const match = /^(?:medusa_head\.)?(\d+)(?:\.(\d+))?\.(?:(linear)\.)?(weight|bias)$/.exec(name);
    if (!match) return undefined;
    const block = Number(match[2] ?? 0);
    return { head: Number(match[1]), ...(match[3] && { block }), part: match[4] as Place["part"] };
  },
};

/** vLLM's: "[medusa_heads.]blocks.HEAD.layers.LAYER.weight", "lm_heads.HEAD.weight", one "lm_head.weight" for all. */
export const VLLM: MedusaLayout = {
  example: "blocks.0.layers.0.weight and lm_heads.0.weight",
  headsKey: "num_heads",
  blocksKey: "num_hidden_layers",
  place(name) {
    const match = /^(?:medusa_heads\.)?(?:blocks\.(\d+)\.layers\.(\d+)|lm_heads\.(\d+))\.(weight|bias)$/.exec(name);
    if (!match) return undefined;
    const part = match[4] as Place["part"];
    if (match[3] !== undefined) return { head: Number(match[3]), part };
    return { head: Number(match[1]), block: Number(match[2]), part };
  },
};

const VLLM_SHARED_HEAD = /^(?:medusa_heads\.)?lm_head\.weight$/;

/**
 * Which of a checkpoint's tensors are Medusa heads: all in a file of heads, those with Medusa's prefix beside a base
 * model, or all in vLLM's layout. Undefined when none are.
 */
export function headTensors(names: readonly string[]): { layout: MedusaLayout; names: string[] } | undefined {
  const beside = names.filter((name) => name.startsWith("medusa_head."));
  if (beside.length > 0) return { layout: MEDUSA, names: beside };
  return names.some((name) => VLLM.place(name)) ? { layout: VLLM, names: [...names] } : undefined;
}

/**
 * Finds the heads by the names of their tensors.
 * @param sharesFirst whether the first head's output product is every head's
 * @throws CheckpointError naming the file and the tensor that no head has
 */
export function headsIn(
  names: readonly string[],
  layout: MedusaLayout,
  file: string,
  sharesFirst = false,
): MedusaHeadTensors[] {
  const path = escaped(file);
  const heads: { blocks: { weight: string; bias?: string }[]; lmHead?: string }[] = [];
  let shared: string | undefined;
  for (const name of [...names].sort((a, b) => a.localeCompare(b, "en", { numeric: true }))) {
    if (layout === VLLM && VLLM_SHARED_HEAD.test(name)) {
      shared = name;
      continue;
    }
    const place = layout.place(name);
    if (!place || place.head >= MAX_HEADS) {
      throw new CheckpointError(`${path} has a tensor ${shown(name)}, expected names such as ${layout.example}`);
    }
    const { head, block, part } = place;
    heads[head] ??= { blocks: [] };
    if (block === undefined) {
      if (part === "bias") {
        throw new CheckpointError(`${path}: head ${head} has an output bias, which Medusa heads have not`);
      }
      if (heads[head].lmHead) {
        throw new CheckpointError(`${path}: head ${head} has two output products, ${heads[head].lmHead} and ${name}`);
      }
      heads[head].lmHead = name;
      continue;
    }
    if (block > MAX_BLOCKS) {
      throw new CheckpointError(
        `${path}: tensor ${shown(name)} is in layer ${block}, heads have at most ${MAX_BLOCKS}`,
      );
    }
    heads[head].blocks[block] ??= { weight: "" };
    heads[head].blocks[block][part] = name;
  }
  checkWhole(heads, path);
  if (sharesFirst) shared ??= heads[0].lmHead;
  return heads.map(({ blocks, lmHead = shared }) => ({ blocks, ...(lmHead && { lmHead }) }));
}

function checkWhole(heads: readonly MedusaHeadTensors[], path: string): void {
  if (heads.length === 0) throw new CheckpointError(`${path} holds no tensors`);
  for (let head = 0; head < heads.length; head++) {
    const { blocks, lmHead } = heads[head] ?? { blocks: [] };
    const whole = Array.from(blocks, (block) => Boolean(block?.weight)).every(Boolean);
    if (!whole || (blocks.length === 0 && !lmHead)) throw new CheckpointError(`${path}: head ${head} is not complete`);
    if (blocks.length !== heads[0].blocks.length) {
      throw new CheckpointError(
        `${path}: head ${head} has ${blocks.length} ResBlocks, head 0 has ${heads[0].blocks.length}`,
      );
    }
  }
}
