import { Kind } from "./events.ts";
import { Ints } from "../format/ints.ts";
import type { Layout } from "../format/layout.ts";
import type { Code } from "./code.ts";

/** Calls that may lead back to the function that makes them, and an order of the functions. */
export interface CallGraph {
  /**
   * For each event, 1 when it is a call that is cut: every cycle of calls contains one. Cut are
   * calls of imports (the host may call any export), calls through a table or a reference for a
   * class in a cycle, and direct calls that close a cycle.
   */
  cut: Uint8Array;
  /**
   * Nodes in topological order of the calls that are not cut, callees first: a function by its
   * index, a class of functions that one table call may reach by `functions + class`.
   */
  order: Ints;
  /** Class of each type: a table call for one type reaches functions of its class alone. */
  classOfType: number[];
  /** Defined functions that a call through a table or a reference may reach, by class. */
  members: Ints[];
  /** 1 for each class with an imported function or in an imported table: it may call the host. */
  foreign: Uint8Array;
}

const white = 0;
const grey = 1;
const black = 2;

/** Walks over all calls once, exported functions first, so that cycles are cut where they begin. */
export function readCallGraph(layout: Layout, code: Code): CallGraph {
  const walk = new Walk(layout, code);
  const { exported } = layout.reachableFromOutside;
  for (let item = 0; item < exported.length; item++) walk.from(exported.at(item));
  for (let index = layout.importedFunctions; index < layout.functionTypes.length; index++) {
    walk.from(index);
  }
  walk.cutTableCalls();
  return walk.graph;
}

class Walk {
  readonly graph: CallGraph;
  readonly #layout: Layout;
  readonly #code: Code;
  readonly #functions: number;
  readonly #color: Uint8Array;
  /** 1 for each class whose calls are all cut. */
  readonly #isCut: Uint8Array;
  /**
   * The nodes on the path from the root, and the progress in each: an index among all calls, or
   * among the members of its class.
   */
  readonly #path: number[] = [];
  readonly #progress: number[] = [];

  constructor(layout: Layout, code: Code) {
    this.#layout = layout;
    this.#code = code;
    this.#functions = layout.functionTypes.length;
    const { classOfType, members, foreign } = readClasses(layout, code);
    this.graph = {
      cut: new Uint8Array(code.events.length),
      order: new Ints(),
      classOfType,
      members,
      foreign,
    };
    this.#isCut = foreign.slice();
    this.#color = new Uint8Array(this.#functions + members.length);
  }

  from(root: number): void {
    if (root < this.#layout.importedFunctions || this.#color[root] !== white) return;
    this.#enter(root);
    while (this.#path.length > 0) {
      const top = this.#path.length - 1;
      const node = this.#path[top] ?? 0;
      const isDone = node < this.#functions
        ? this.#stepFunction(node, top)
        : this.#stepClass(node, top);
      if (!isDone) continue;
      this.#color[node] = black;
      this.graph.order.push(node);
      this.#path.pop();
      this.#progress.pop();
    }
  }

  /**
   * Cuts the calls through tables and references for a class in a cycle, now that all are known.
   */
  cutTableCalls(): void {
    if (!this.#isCut.includes(1)) return;
    const { calls, events: { kinds, arguments: values } } = this.#code;
    for (let place = 0; place < calls.length; place++) {
      const event = calls.at(place);
      const kind = kinds[event];
      if (kind !== Kind.callIndirect && kind !== Kind.returnCallIndirect) continue;
      const callee = this.graph.classOfType[values[event] ?? 0] ?? 0;
      if (this.#isCut[callee] === 1) this.graph.cut[event] = 1;
    }
  }

  #enter(node: number): void {
    this.#color[node] = grey;
    this.#path.push(node);
    const { firstCall } = this.#code.functions;
    const isFunction = node < this.#functions;
    this.#progress.push(isFunction ? firstCall[node - this.#layout.importedFunctions] ?? 0 : 0);
  }

  /** Enters the next callee that is new. Returns false if there was one. */
  #stepFunction(node: number, top: number): boolean {
    const { calls, functions, events: { kinds, arguments: values } } = this.#code;
    const last = functions.firstCall[node - this.#layout.importedFunctions + 1] ?? 0;
    for (let place = this.#progress[top] ?? 0; place < last; place++) {
      const event = calls.at(place);
      const kind = kinds[event];
      const isDirect = kind === Kind.call || kind === Kind.returnCall;
      const value = values[event] ?? 0;
      const callee = isDirect ? value : this.#functions + (this.graph.classOfType[value] ?? 0);
      const isImport = isDirect && value < this.#layout.importedFunctions;
      if (isImport || this.#color[callee] === grey) {
        if (isDirect) this.graph.cut[event] = 1;
        else this.#isCut[callee - this.#functions] = 1;
      } else if (this.#color[callee] === white) {
        this.#progress[top] = place + 1;
        this.#enter(callee);
        return false;
      }
    }
    return true;
  }

  /** Enters the next member of a class that is new. Returns false if there was one. */
  #stepClass(node: number, top: number): boolean {
    const members = this.graph.members[node - this.#functions];
    const count = members?.length ?? 0;
    for (let place = this.#progress[top] ?? 0; members && place < count; place++) {
      const member = members.at(place);
      if (this.#color[member] === grey) this.#isCut[node - this.#functions] = 1;
      if (this.#color[member] !== white) continue;
      this.#progress[top] = place + 1;
      this.#enter(member);
      return false;
    }
    return true;
  }
}

/** Groups the functions that tables and references may hold by type. */
function readClasses(layout: Layout, code: Code) {
  const { types, functionTypes, importedFunctions, reachableFromOutside, description } = layout;
  const classOfKey = new Map<string, number>();
  const classOfType: number[] = [];
  const members: Ints[] = [];
  for (const { callKey: key } of types) {
    const known = classOfKey.get(key) ?? members.length;
    classOfType.push(known);
    if (known < members.length) continue;
    classOfKey.set(key, known);
    members.push(new Ints(0));
  }
  const foreign = new Uint8Array(members.length);
  for (const { kind } of description.imports) if (kind === "table") foreign.fill(1);
  const isMember = new Uint8Array(functionTypes.length);
  for (const list of [reachableFromOutside.referenced, code.referenced]) {
    for (let item = 0; item < list.length; item++) {
      const index = list.at(item);
      if (isMember[index] === 1) continue;
      isMember[index] = 1;
      const itsClass = classOfType[functionTypes.at(index)] ?? 0;
      if (index < importedFunctions) foreign[itsClass] = 1;
      else members[itsClass]?.push(index);
    }
  }
  return { classOfType, members, foreign };
}
