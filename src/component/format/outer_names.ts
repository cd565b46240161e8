import { decodeComponent } from "./decode.ts";

/**
 * Returns the names of a component's own imports and exports, in their order.
 *
 * @throws CapsuleError `LOAD` with the offset if the bytes are malformed.
 */
export function outerNames(
  bytes: Uint8Array<ArrayBuffer>,
): { imports: string[]; exports: string[] } {
  const imports: string[] = [];
  const exports: string[] = [];
  for (const definition of decodeComponent(bytes).definitions) {
    if (definition.kind === "import") imports.push(definition.import.name);
    if (definition.kind === "export") exports.push(definition.export.name);
  }
  return { imports, exports };
}
