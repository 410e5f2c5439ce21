import { expect, test } from "vitest";
import { Rotation } from "../../../src/conversion/rotation.js";

test.each([1, 8, 12, 45, 96, 576])("a rotated row of %i comes back", (order) => {
  const rotation = new Rotation(order);
  const rows = Float32Array.from({ length: 3 * order }, (_, i) => Math.sin(1 + i * i));
  const rotated = rows.slice();
  rotation.rows(rotated, 3);
  for (let r = 0; r < 3; r++) rotation.undo(rotated, r * order);
  for (const [i, value] of rows.entries()) expect(rotated[i]).toBeCloseTo(value, 5);
});
