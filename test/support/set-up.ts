import { afterAll } from "vitest";
import { afterEachFile } from "./after-each-file.js";

/** Runs before every test file, in files that share modules too. */
afterAll(() => {
  for (const work of afterEachFile) work();
});
