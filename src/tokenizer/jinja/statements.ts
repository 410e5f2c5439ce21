import type { Budget } from "./budget.js";
import { Evaluator } from "./expressions.js";
import { loopVariable } from "./loop.js";
import {
  type Call,
  type Expression,
  type For,
  type If,
  type Parameter,
  type SetStatement,
  type Statement,
  tupleItems,
} from "./nodes.js";
import { concat, iterate } from "./operators.js";
import { Scope } from "./scope.js";
import { fail, TemplateError } from "./template-error.js";
import { str } from "./text.js";
import { RECURSIVE, WITH } from "./token-rewriting.js";
import { Callable, Namespace, Tuple, Undefined, type Value } from "./values.js";

/** How a block ended: at its end, or at {% break %} or {% continue %}. */
type Ending = "end" | "break" | "continue";

/** Runs statements as Jinja2 does and collects what they print. */
export class Renderer {
  private readonly evaluator: Evaluator;

  constructor(private readonly budget: Budget) {
    this.evaluator = new Evaluator(budget);
  }

  /** What the statements print. */
  text(statements: readonly Statement[], scope: Scope): string {
    const output: string[] = [];
    this.block(statements, scope, output);
    return concat(output, this.budget);
  }

  private block(statements: readonly Statement[], scope: Scope, output: string[]): Ending {
    this.budget.enter();
    let ending: Ending = "end";
    for (const statement of statements) {
      ending = this.statement(statement, scope, output);
      if (ending !== "end") break;
    }
    this.budget.leave();
    return ending;
  }

  private statement(node: Statement, scope: Scope, output: string[]): Ending {
    switch (node.type) {
      case "Comment":
        return "end";
      case "Break":
        return "break";
      case "Continue":
        return "continue";
      case "If":
        return this.if(node, scope, output);
      case "For":
        return this.for(node, scope, output);
      case "Set":
        this.set(node, scope);
        return "end";
      case "Macro":
        scope.set(node.name.value, this.macro(node.name.value, node.args, node.body, scope));
        return "end";
      case "CallStatement": {
        const { args, keywords } = this.evaluator.arguments(node.call.args, scope);
        keywords.set("caller", this.macro("caller", node.callerArgs ?? [], node.body, scope));
        this.print(this.evaluator.call(this.evaluator.evaluate(node.call.callee, scope), args, keywords), output);
        return "end";
      }
      case "FilterStatement":
        if (isNamed(node.filter, WITH)) return this.with(node.filter, node.body, scope, output);
        this.print(this.evaluator.filter(this.text(node.body, new Scope(scope)), node.filter, scope), output);
        return "end";
      case "StringLiteral":
        this.print(node.value, output);
        return "end";
      default:
        this.print(this.evaluator.evaluate(node, scope), output);
        return "end";
    }
  }

  private print(value: Value, output: string[]): void {
    const text = str(value, this.budget);
    this.budget.text(text.length + 8);
    output.push(text);
  }

  /** An elif is an if that stands alone in its else: they are gone through without nesting. */
  private if(node: If, scope: Scope, output: string[]): Ending {
    let current = node;
    for (;;) {
      if (this.evaluator.condition(current.test, scope)) return this.block(current.body, scope, output);
      const [only, second] = current.alternate;
      if (only?.type !== "If" || second) return this.block(current.alternate, scope, output);
      current = only;
    }
  }

  private for(node: For, scope: Scope, output: string[]): Ending {
    const recursive = argumentOf(node.iterable, RECURSIVE);
    const iterable = recursive ?? node.iterable;
    const filtered = iterable.type === "SelectExpression" ? iterable : undefined;
    const passes = (item: Value) => {
      const inner = new Scope(scope);
      this.assign(node.loopvar, item, inner);
      return this.evaluator.condition(filtered!.test, inner);
    };
    const run = (value: Value, depth: number, printed: string[]): Ending => {
      const all = iterate(value, this.budget);
      const items = filtered ? all.filter(passes) : all;
      if (items.length === 0) return this.block(node.defaultBlock, new Scope(scope), printed);
      const again = (others: Value) => {
        const inner: string[] = [];
        run(others, depth + 1, inner);
        return concat(inner, this.budget);
      };
      const state = loopVariable(items, depth, this.budget, recursive && again);
      for (let i = 0; i < items.length; i++) {
        this.budget.step();
        state.index = i;
        const inner = new Scope(scope);
        inner.set("loop", state.loop);
        this.assign(node.loopvar, items[i], inner);
        if (this.block(node.body, inner, printed) === "break") break;
      }
      return "end";
    };
    return run(this.evaluator.evaluate(filtered?.lhs ?? iterable, scope), 0, output);
  }

  /** Names that the values of which were found outside have inside. */
  private with(call: Call, body: readonly Statement[], scope: Scope, output: string[]): Ending {
    const { args, keywords } = this.evaluator.arguments(call.args, scope);
    if (args.length > 0) fail("with takes names with values: {% with name = value %}");
    const inner = new Scope(scope);
    for (const [name, value] of keywords) inner.set(name, value);
    return this.block(body, inner, output);
  }

  private set(node: SetStatement, scope: Scope): void {
    const value = node.value ? this.evaluator.evaluate(node.value, scope) : this.text(node.body, new Scope(scope));
    if (node.assignee.type === "FilterExpression") {
      // {% set name | filter %}text{% endset %}
      this.assign(node.assignee.operand, this.evaluator.filter(value, node.assignee.filter, scope), scope);
    } else {
      this.assign(node.assignee, value, scope);
    }
  }

  private assign(target: Expression, value: Value, scope: Scope): void {
    if (target.type === "Identifier") {
      scope.set(target.value, value);
    } else if (target.type === "TupleLiteral") {
      const items = iterate(value, this.budget);
      const parts = tupleItems(target);
      if (items.length !== parts.length) fail(`cannot unpack ${items.length} values into ${parts.length} names`);
      parts.forEach((part, i) => {
        this.assign(part, items[i], scope);
      });
    } else if (target.type === "MemberExpression" && !target.computed && target.property.type === "Identifier") {
      const object = this.evaluator.evaluate(target.object, scope);
      if (!(object instanceof Namespace)) fail("only attributes of a namespace can be set");
      setAttribute(object, target.property.value, value);
    } else {
      fail("only names and attributes of a namespace can be set");
    }
  }

  /** A macro sees the names around its definition, not those around its call. */
  private macro(name: string, parameters: readonly Parameter[], body: readonly Statement[], scope: Scope): Callable {
    const names = parameters.map((parameter) => (parameter.type === "Identifier" ? parameter : parameter.key).value);
    const call = (args: Value[], keywords: ReadonlyMap<string, Value>) => {
      const inner = new Scope(scope);
      const rest = new Map(keywords);
      const caller = rest.get("caller");
      rest.delete("caller");
      inner.set("caller", caller ?? new Undefined("no caller was given: the macro was not called by {% call %}"));
      for (const [i, own] of names.entries()) {
        const given = i < args.length ? args[i] : rest.get(own);
        rest.delete(own);
        const parameter = parameters[i];
        if (given !== undefined) inner.set(own, given);
        else if (parameter.type === "Identifier") inner.set(own, new Undefined(`parameter '${own}' was not provided`));
        else inner.set(own, this.evaluator.evaluate(parameter.value, inner));
      }
      inner.set("varargs", new Tuple(args.slice(names.length)));
      inner.set("kwargs", rest);
      return this.text(body, inner);
    };
    return new Callable(name, call, new Map<string, Value>([["name", name]]));
  }
}

export function setAttribute(namespace: Namespace, name: string, value: Value): void {
  if (name.startsWith("_")) {
    throw new TemplateError("unsafe", `a namespace has no attributes that begin with an underscore, such as ${name}`);
  }
  namespace.attributes.set(name, value);
}

function isNamed(node: Expression, name: string): node is Call {
  return node.type === "CallExpression" && node.callee.type === "Identifier" && node.callee.value === name;
}

/** The argument of a call that stands for syntax. */
function argumentOf(node: Expression, name: string): Expression | undefined {
  return isNamed(node, name) ? (node.args[0] as Expression) : undefined;
}
