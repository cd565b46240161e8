import type { ValueType } from "./value_types.ts";

const firstLoad = 0x28;
const firstStore = 0x36;

/** Sizes in bytes of the loads and stores 0x28 to 0x3e, `i32.load` first. */
const sizes = [4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4, 4, 8, 4, 8, 1, 2, 1, 2, 4];

/** Operands of the stores 0x36 to 0x3e, `i32.store` first. */
const storedTypes: readonly ValueType[] = [
  ...["i32", "i64", "f32", "f64"] as const,
  ...["i32", "i32", "i64", "i64", "i64"] as const,
];

/** Returns the number of bytes that a load or store accesses; 0 for any other instruction. */
export function memoryBytes(opcode: number): number {
  return sizes[opcode - firstLoad] ?? 0;
}

/** Returns the type that a store takes from the stack; undefined for any other instruction. */
export function storedType(opcode: number): ValueType | undefined {
  return storedTypes[opcode - firstStore];
}
