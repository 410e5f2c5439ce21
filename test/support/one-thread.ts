import { configureRuntime } from "../../src/index.js";

/** A pool of one thread: see vitest.config.ts. */
configureRuntime({ threads: 1 });
