import type { Value } from "./values.js";

/** Names of a block, over those around it. Setting one hides an outer one and never changes it. */
export class Scope {
  private names: Map<string, Value> | undefined;

  constructor(private readonly outer?: Scope) {}

  get(name: string): Value | undefined {
    for (let scope: Scope | undefined = this; scope; scope = scope.outer) {
      const value = scope.names?.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  set(name: string, value: Value): void {
    this.names ??= new Map();
    this.names.set(name, value);
  }
}
