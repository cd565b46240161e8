import { BulkOp, GcOp, Op } from "../format/instructions.ts";
import type { Layout } from "../format/layout.ts";
import { Reader } from "../format/reader.ts";

/** An instruction on many bytes or elements, or on a segment. */
export interface BulkInstruction {
  instruction: string;
  /** True if a length, a number of bytes or elements, is on top of the stack. */
  hasLength: boolean;
  /** True if that length is an i64. */
  is64: boolean;
  /** True if it makes an array of that length. */
  makesArray: boolean;
  effect: "writes table" | "drops segment" | undefined;
}

type Effect = BulkInstruction["effect"];

const bulkOps: Record<number, readonly [instruction: string, effect?: Effect]> = {
  [BulkOp.memoryInit]: ["memory.init"],
  [BulkOp.dataDrop]: ["data.drop", "drops segment"],
  [BulkOp.memoryCopy]: ["memory.copy"],
  [BulkOp.memoryFill]: ["memory.fill"],
  [BulkOp.tableInit]: ["table.init", "writes table"],
  [BulkOp.elemDrop]: ["elem.drop", "drops segment"],
  [BulkOp.tableCopy]: ["table.copy", "writes table"],
  [BulkOp.tableGrow]: ["table.grow", "writes table"],
  [BulkOp.tableFill]: ["table.fill", "writes table"],
};

const gcOps: Record<number, string> = {
  [GcOp.arrayNew]: "array.new",
  [GcOp.arrayNewDefault]: "array.new_default",
  [GcOp.arrayNewData]: "array.new_data",
  [GcOp.arrayNewElem]: "array.new_elem",
  [GcOp.arrayFill]: "array.fill",
  [GcOp.arrayCopy]: "array.copy",
  [GcOp.arrayInitData]: "array.init_data",
  [GcOp.arrayInitElem]: "array.init_elem",
};

/** Returns the bulk instruction at `at`, given its two opcodes; undefined for any other. */
export function readBulk(
  layout: Layout,
  { opcode, second, at }: { opcode: number; second: number; at: number },
): BulkInstruction | undefined {
  if (opcode === Op.gcPrefix) {
    const instruction = gcOps[second];
    return instruction === undefined ? undefined : {
      instruction,
      hasLength: true,
      is64: false,
      makesArray: instruction.startsWith("array.new"),
      effect: undefined,
    };
  }
  const [instruction, effect] = bulkOps[second] ?? [];
  if (instruction === undefined) return undefined;
  const hasLength = effect !== "drops segment";
  const is64 = hasLength && hasLongLength(layout, second, at);
  return { instruction, hasLength, is64, makesArray: false, effect };
}

/**
 * Reports whether the length is an i64: the memory or table has 64-bit addresses, both of them for
 * a copy. The length of an init is a position in a segment, which always has 32 bits.
 */
function hasLongLength({ bytes, description }: Layout, second: number, at: number): boolean {
  if (second === BulkOp.memoryInit || second === BulkOp.tableInit) return false;
  const reader = new Reader(bytes, at + 1);
  reader.u32("opcode");
  const isMemory = second === BulkOp.memoryCopy || second === BulkOp.memoryFill;
  const items = isMemory ? description.memories : description.tables;
  const is64 = () => items[reader.u32("index")]?.limits.is64 ?? false;
  const isCopy = second === BulkOp.memoryCopy || second === BulkOp.tableCopy;
  const first = is64();
  return isCopy ? is64() && first : first;
}
