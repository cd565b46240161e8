type NodeFs = typeof import("node:fs");

interface NodeProcess {
  getBuiltinModule(name: "node:fs"): NodeFs;
}

let loaded: NodeFs | undefined;

/** `node:fs`, loaded when a file is first touched this way: an import would cost every start some 15 ms. */
export function nodeFs(): NodeFs {
  return loaded ??= (globalThis as unknown as { process: NodeProcess }).process.getBuiltinModule(
    "node:fs",
  );
}
