import type { ValueType } from "./value_types.ts";

const firstLoad = 0x28;
const firstStore = 0x36;

/** Bytes that each of the loads and stores 0x28 to 0x3e touches, `i32.load` first. */
const sizes = [4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4, 4, 8, 4, 8, 1, 2, 1, 2, 4];

/** Bytes that a load or a store touches; 0 for every other instruction. */
export function memoryBytes(opcode: number): number {
  return sizes[opcode - firstLoad] ?? 0;
}

/** What a store takes from the stack; undefined for every other instruction. */
export function storedType(opcode: number): ValueType | undefined {
  return storedTypes[opcode - firstStore];
}

/** For the stores 0x36 to 0x3e, `i32.store` first. */
const storedTypes: readonly ValueType[] = [
  "i32",
  "i64",
  "f32",
  "f64",
  "i32",
  "i32",
  "i64",
  "i64",
  "i64",
];
