import { OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import type { Architecture } from "../../models/architecture.js";
import type { Ops } from "../../models/ops.js";
import type { ModelConfig } from "../../types/model-config.js";
import type { TrainingWeight } from "../checkpoint-weights.js";
import { DifferentiableOps } from "./differentiable-ops.js";
import { accumulateInto } from "./gradient-graph.js";
import { crossEntropy } from "./rules/cross-entropy.js";
import { gather } from "./rules/gather.js";
import { Tape, type Value } from "./tape.js";

/**
 * A decoder cut into graphs: the embedding, one layer (for all of them, as layer 0), and final norm with head and loss. Each
 * way back computes its part again from the rows that went in. Names: x rows in, y rows out, dy and dx their gradients.
 */
export class LayerGraphs {
  private readonly finalNorm: string;

  /** @param length tokens of each sequence of a batch */
  constructor(
    private readonly architecture: Architecture,
    private readonly config: ModelConfig,
    private readonly weights: readonly TrainingWeight[],
    private readonly aliases: ReadonlyMap<string, string>,
    private readonly length: number,
  ) {
    this.finalNorm = finalNormOf(architecture, config);
  }

  embedding(): OnnxGraph {
    const { tape, weightOf } = this.start();
    tape.graph.node(
      "Identity",
      [gather(tape, weightOf("embedding")!, tape.graph.input("ids", "i64", ["R"])).name],
      ["y"],
    );
    tape.graph.output("y", "f32", ["R", this.config.hiddenSize]);
    return tape.graph;
  }

  embeddingBack(): OnnxGraph {
    const { tape, weightOf, used } = this.start();
    const rows = gather(tape, weightOf("embedding")!, tape.graph.input("ids", "i64", ["R"]));
    accumulateInto(tape, tape.backward([[rows, this.rows(tape, "dy", false).name]]), used());
    return tape.graph;
  }

  layer(): OnnxGraph {
    const { tape, y } = this.layerRows();
    tape.graph.node("Identity", [y.name], ["y"]);
    tape.graph.output("y", "f32", ["R", this.config.hiddenSize]);
    return tape.graph;
  }

  layerBack(): OnnxGraph {
    const { tape, x, y, used } = this.layerRows();
    this.finish(tape, x, tape.backward([[y, this.rows(tape, "dy", false).name]]), used());
    return tape.graph;
  }

  /** The loss is a sum over rows; its gradients count `weight`. */
  headBack(): OnnxGraph {
    const { tape, weightOf, used } = this.start();
    const x = this.rows(tape, "x", true);
    const ops = new LayerOps(tape, weightOf, x);
    const logits = ops.linear(this.architecture.decode(ops, this.config, []), this.architecture.head);
    const loss = crossEntropy(tape, logits, tape.graph.input("labels", "i64", ["R"]));
    tape.graph.node("Identity", [loss.name], ["loss"]);
    tape.graph.output("loss", "f32", []);
    this.finish(tape, x, tape.backward([[loss, tape.graph.input("weight", "f32", [])]]), used());
    return tape.graph;
  }

  private layerRows() {
    const { tape, weightOf, used } = this.start();
    const { config, length } = this;
    const x = this.rows(tape, "x", true);
    const ops = new LayerOps(tape, weightOf, x, this.finalNorm, { config, length });
    return { tape, x, y: this.architecture.decode(ops, config, [0]), used };
  }

  private finish(tape: Tape, x: Value, gradients: ReadonlyMap<string, string>, used: readonly TrainingWeight[]): void {
    accumulateInto(tape, gradients, used);
    tape.graph.node("Identity", [gradients.get(x.name)!], ["dx"]);
    tape.graph.output("dx", "f32", ["R", this.config.hiddenSize]);
  }

  private rows(tape: Tape, name: string, tracked: boolean): Value {
    return tape.input(name, ["R", this.config.hiddenSize], tracked);
  }

  /** A tape whose weights become inputs when they are first asked for. */
  private start() {
    const tape = new Tape(new OnnxGraph());
    const inputs = new Map<string, Value>();
    const byName = new Map(this.weights.map((weight) => [weight.name, weight]));
    const weightOf = (asked: string) => {
      const weight = byName.get(this.aliases.get(asked) ?? asked);
      if (weight && !inputs.has(weight.name)) inputs.set(weight.name, tape.input(weight.name, weight.dims, true));
      return weight && inputs.get(weight.name);
    };
    return { tape, weightOf, used: () => [...inputs.keys()].map((name) => byName.get(name)!) };
  }
}

/** One layer between an embedding that is the rows `x`, and a final norm that is left out. */
class LayerOps extends DifferentiableOps {
  constructor(
    tape: Tape,
    weights: (name: string) => Value | undefined,
    private readonly x: Value,
    private readonly leftOut?: string,
    sequence?: { config: ModelConfig; length: number },
  ) {
    super(tape, weights, "", sequence);
  }

  override embed(): Value {
    return this.x;
  }

  override residualNorm(sum: Value, update: Value | undefined, weight: string, epsilon: number) {
    if (weight !== this.leftOut || !update) return super.residualNorm(sum, update, weight, epsilon);
    const next = this.add(sum, update);
    return { sum: next, normed: next };
  }
}

/** The only norm of a decoder without layers. */
function finalNormOf(architecture: Architecture, config: ModelConfig): string {
  let name = "";
  const ops: Pick<Ops<null>, "embed" | "residualNorm"> = {
    embed: () => null,
    residualNorm: (sum, _update, weight) => {
      name = weight;
      return { sum, normed: null };
    },
  };
  architecture.decode(ops as Ops<null>, config, []);
  return name;
}
