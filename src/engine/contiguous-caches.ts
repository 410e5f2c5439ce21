import { RuntimeError } from "../types/errors.js";
import type { ModelConfig } from "../types/model-config.js";
import { ContiguousCache } from "./contiguous-cache.js";
import type { KvCaches } from "./kv-cache.js";

/** Most caches kept for later. */
const MAX_SPARE = 4;

/**
 * Caches for ONNX Runtime's own attention. Those of finished sequences are used again: memory that was touched before costs
 * no page faults (0.2 ms a pass of the embedded target). What they still hold is masked and finite, so it counts for nothing.
 */
export class ContiguousCaches implements KvCaches {
  private readonly spare: ContiguousCache[] = [];
  private live = true;

  constructor(
    private readonly config: ModelConfig,
    readonly capacity: number,
  ) {}

  take(): ContiguousCache {
    if (!this.live) throw new RuntimeError("the model was disposed: load it again");
    return this.spare.pop() ?? new ContiguousCache(this.config, this.capacity, this.giveBack);
  }

  dispose(): void {
    this.live = false;
    for (const cache of this.spare.splice(0)) cache.dispose();
  }

  private readonly giveBack = (cache: ContiguousCache): void => {
    if (this.live && this.spare.length < MAX_SPARE) this.spare.push(cache);
    else cache.dispose();
  };
}
