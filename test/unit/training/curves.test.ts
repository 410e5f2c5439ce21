import { expect, test } from "vitest";
import { chartsOf } from "../../../src/training/loop/curves.js";
import { curvesPage } from "../../../src/training/loop/curves-page.js";

const training = (step: number) => ({ stage: "training", step, steps: 4000, loss: step, losses: [step, 2 * step] });
const validation = {
  stage: "validation",
  step: 0,
  steps: 4000,
  tokensPerPass: 1.5,
  accuracies: [
    [0.4, 0.1],
    [0.2, 0.1],
  ],
};

test("a chart for each quantity, a line for each part, validations first", () => {
  const charts = chartsOf([validation, training(1), training(2)]);
  expect(charts).toEqual([
    { title: "validation: tokens per pass", steps: [0], lines: [{ name: "tokens per pass", values: [1.5] }] },
    {
      title: "validation: accuracies",
      steps: [0],
      lines: [
        { name: "1", values: [0.4] },
        { name: "2", values: [0.2] },
      ],
    },
    { title: "training: loss", steps: [1, 2], lines: [{ name: "loss", values: [1, 2] }] },
    {
      title: "training: losses",
      steps: [1, 2],
      lines: [
        { name: "1", values: [1, 2] },
        { name: "2", values: [2, 4] },
      ],
    },
  ]);
});

test("long runs are drawn of means", () => {
  const [loss] = chartsOf(Array.from({ length: 3500 }, (_, i) => training(i + 1)));
  expect(loss.steps).toHaveLength(875);
  expect(loss.steps.slice(0, 2)).toEqual([4, 8]);
  expect(loss.lines[0].values.slice(0, 2)).toEqual([2.5, 6.5]);
});

test("a page holds its data whatever names are in it", () => {
  const page = curvesPage("a</title><script>alert(1)", [{ ...validation, "</script>": 1 }]);
  expect(page).not.toContain("<script>alert");
  const [, data] = /<script id="data" type="application\/json">(.*?)<\/script>/.exec(page)!;
  expect(JSON.parse(data)).toHaveLength(3);
});
