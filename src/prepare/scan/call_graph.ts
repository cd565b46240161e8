import { Kind } from "./events.ts";
import { Ints } from "../format/ints.ts";
import type { Layout } from "../format/layout.ts";
import type { Code } from "./scan.ts";

/** Which calls may lead back to the function that makes them. */
export interface CallGraph {
  /**
   * For each event, 1 when it is a call that is cut: every circle of calls contains one that is. Cut are calls of imports (the host
   * may call any export), calls through a table for a type in a circle, and direct calls that close a circle.
   */
  cut: Uint8Array;
  /**
   * Nodes, each after all that it calls by calls that are not cut: a function by its index, a class of functions that
   * one table call may reach by `functions + class`.
   */
  order: Ints;
  /** The class of each type: types that are written alike are one. */
  classOfType: number[];
  /** Defined functions that a table call for each class may reach. */
  members: Ints[];
  /** 1 for each class through which the host may be called: with an imported function, or in a table that is imported. */
  foreign: Uint8Array;
}

const white = 0;
const grey = 1;
const black = 2;

/** Walks over all calls once, exported functions first, so that circles are cut where they are entered from outside. */
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
  /** Classes of which every call is cut. */
  readonly #isCut: Uint8Array;
  /** The nodes on the way from the root, and how far each is done: a place among all calls, or among its class's members. */
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

  /** Calls through a table are cut when the class was seen to be in a circle, which may be known late. */
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

  /** Goes on to the next call that leads somewhere new. Returns whether there was none. */
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

  /** The same for the functions that a table call may reach. */
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

/** Groups what tables may hold by type. Calls of a foreign class are all cut. */
function readClasses(layout: Layout, code: Code) {
  const { types, functionTypes, importedFunctions, reachableFromOutside, description } = layout;
  const classOfKey = new Map<string, number>();
  const classOfType: number[] = [];
  const members: Ints[] = [];
  for (const { key } of types) {
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
