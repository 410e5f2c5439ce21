import { createHash } from "node:crypto";
import type { TensorInfo, TensorSource } from "./tensor-source.js";

/** Tensors of another source, some of them with a choice of their rows. */
export class RowsOf implements TensorSource {
  /**
   * @param tensors names of those that are read in part
   * @param rows the rows, in the order that they get
   */
  constructor(
    private readonly source: TensorSource,
    private readonly tensors: ReadonlySet<string>,
    private readonly rows: Int32Array,
  ) {}

  names(): Iterable<string> {
    return this.source.names();
  }

  info(name: string): TensorInfo | undefined {
    const info = this.source.info(name);
    if (!info || !this.tensors.has(name)) return info;
    return { ...info, shape: [this.rows.length, ...info.shape.slice(1)] };
  }

  async readRows(name: string, start: number, count: number, into: Float32Array): Promise<void> {
    if (!this.tensors.has(name)) return this.source.readRows(name, start, count, into);
    const [, width = 1] = this.source.info(name)!.shape;
    const { rows } = this;
    for (let at = 0; at < count; ) {
      let run = 1;
      while (at + run < count && rows[start + at + run] === rows[start + at] + run) run++;
      await this.source.readRows(name, rows[start + at], run, into.subarray(at * width, (at + run) * width));
      at += run;
    }
  }

  async digest(): Promise<string> {
    const names = [...this.tensors].sort().join(" ");
    return createHash("sha256")
      .update(`${await this.source.digest()} rows of ${names}: ${this.rows.join()}`)
      .digest("hex");
  }

  close(): Promise<void> {
    return this.source.close();
  }
}
