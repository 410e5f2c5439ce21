import type { CausalLM } from "../../engine/causal-lm.js";
import type { EagleHeads } from "../../engine/eagle-heads.js";
import { readText } from "../../engine/read-text.js";
import { Need } from "../../engine/rows.js";
import type { KnownText } from "../drafter.js";
import { KnownFeatures } from "./features.js";

const recorded = new WeakMap<KnownText, WeakMap<EagleHeads, Promise<KnownFeatures>>>();

/** The target's features over a text, read once for all replays of these heads. */
export function readFeatures(target: CausalLM, heads: EagleHeads, text: KnownText): Promise<KnownFeatures> {
  const known = recorded.get(text) ?? new WeakMap<EagleHeads, Promise<KnownFeatures>>();
  recorded.set(text, known);
  const found = known.get(heads) ?? read(target, heads, text);
  known.set(heads, found);
  return found;
}

async function read(target: CausalLM, heads: EagleHeads, { tokens }: KnownText): Promise<KnownFeatures> {
  const streams: Float32Array[] = [];
  await readText(
    target,
    tokens.slice(0, target.contextLength),
    () => Need.auxiliary,
    (result, row) => {
      streams.push(heads.streamsOf(result, row));
    },
  );
  return new KnownFeatures(streams);
}
