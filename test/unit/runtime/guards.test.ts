import { describe, expect, it } from "vitest";
import { OnnxGraph } from "../../../src/formats/onnx/onnx-writer.js";
import { configureRuntime, runtimeInfo } from "../../../src/index.js";
import { Binding } from "../../../src/runtime/binding.js";
import { OrtError } from "../../../src/runtime/ort-error.js";
import { Session } from "../../../src/runtime/session.js";
import { Tensor } from "../../../src/runtime/tensor.js";

/** y = x · w, repeated so that a run takes a while. */
function product(width: number, times: number): Uint8Array {
  const g = new OnnxGraph();
  g.input("x", "f32", ["n", width]);
  const w = g.initializer("w", "f32", [width, width], new Float32Array(width * width).fill(1 / width));
  let x = "x";
  for (let i = 0; i < times; i++) {
    g.node("MatMul", [x, w], [i === times - 1 ? "y" : `y${i}`]);
    x = `y${i}`;
  }
  g.output("y", "f32", ["n", width]);
  return g.build();
}

async function bound(width: number, rows: number, times = 1) {
  const session = await Session.create({ bytes: product(width, times) });
  const x = new Tensor(new Float32Array(rows * width).fill(1), [rows, width]);
  const y = new Tensor(new Float32Array(rows * width), [rows, width]);
  const binding = new Binding(session);
  binding.setInput(0, x);
  binding.setOutput(0, y);
  return { session, binding, x, y };
}

describe("the runtime refuses what would crash the process", () => {
  it("bytes that are no model", async () => {
    await expect(Session.create({ bytes: new Uint8Array(1000).fill(7) })).rejects.toThrow(OrtError);
    await expect(Session.create({ bytes: new Uint8Array(0) })).rejects.toThrow(OrtError);
    await expect(Session.create({ path: "/nowhere/model.onnx" })).rejects.toThrow(/nowhere/);
    const whole = product(8, 1);
    await expect(Session.create({ bytes: whole.subarray(0, whole.length >> 1) })).rejects.toThrow(OrtError);
  });

  it("an operator that does not exist", async () => {
    const g = new OnnxGraph();
    g.input("x", "f32", [1]);
    g.node("NoSuchOperator", ["x"], ["y"]);
    g.output("y", "f32", [1]);
    await expect(Session.create({ bytes: g.build() })).rejects.toThrow(/NoSuchOperator/);
  });

  it("a tensor larger than its array, or of a shape that is none", () => {
    expect(() => new Tensor(new Float32Array(5), [2, 3])).toThrow(/shape \[2,3\] does not fit an array of 5/);
    expect(() => new Tensor(new Float32Array(5), [-1])).toThrow(/shape/);
    expect(() => new Tensor(new Float32Array(5), [0.5])).toThrow(/shape/);
    expect(() => new Tensor(new Uint16Array(5), [5])).toThrow(/f16, bf16 or u16/);
  });

  it("a run with the wrong shape or type: ONNX Runtime's message, and the session lives on", async () => {
    const { session, binding, x, y } = await bound(8, 3);
    using wrong = new Tensor(new Float32Array(9), [1, 9]);
    binding.setInput(0, wrong);
    expect(() => binding.run()).toThrow(OrtError);
    using integers = new Tensor(new Int32Array(8), [1, 8]);
    binding.setInput(0, integers);
    expect(() => binding.run()).toThrow(/data type/i);
    binding.setInput(0, x);
    binding.run();
    expect([...y.data]).toEqual(new Array(24).fill(1));
    session.dispose();
  });

  it("use after dispose, a missing tensor, an unknown name", async () => {
    const { session, binding, x } = await bound(8, 3);
    expect(() => new Binding(session, ["z"])).toThrow(/no input or output "z"/);
    expect(() => new Binding(session).run()).toThrow(/input "x" has no tensor/);
    x.dispose();
    x.dispose();
    expect(() => binding.run()).toThrow(/tensor of input "x" was disposed/);
    expect(() => binding.setInput(0, x)).toThrow(/disposed/);
    using other = new Tensor(new Float32Array(24), [3, 8]);
    binding.setInput(0, other);
    session.dispose();
    session.dispose();
    expect(() => binding.run()).toThrow(/session was disposed/);
    await expect(binding.runAsync()).rejects.toThrow(/session was disposed/);
  });

  it("a second run of a binding, or disposal, while a run is under way", async () => {
    const { session, binding } = await bound(512, 64, 20);
    const running = binding.runAsync();
    expect(() => binding.run()).toThrow(/under way/);
    expect(() => session.dispose()).toThrow(/running/);
    await running;
    session.dispose();
  });

  it("another number of threads than the pool has", async () => {
    const { session } = await bound(8, 1);
    const { threads } = runtimeInfo();
    configureRuntime({ threads });
    expect(() => configureRuntime({ threads: threads + 1 })).toThrow(/already runs/);
    expect(() => configureRuntime({ threads: 0 })).toThrow(/from 1 to 1024/);
    session.dispose();
  });
});

describe("long runs", () => {
  it("leave the event loop free", async () => {
    const { session, binding } = await bound(1024, 128, 40);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await binding.runAsync();
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
    session.dispose();
  });

  it("end soon after an abort, reject with its reason, and can be run again", async () => {
    const { session, binding, y } = await bound(1024, 128, 150);
    const reason = new Error("enough");
    const controller = new AbortController();
    const running = binding.runAsync(controller.signal);
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    await expect(binding.runAsync(controller.signal)).rejects.toBe(reason);
    await binding.runAsync();
    expect(y.data[0]).toBeCloseTo(1, 4);
    session.dispose();
  });
});
