import { Op } from "../../prepare/format/instructions.ts";
import { SectionId } from "../../prepare/format/sections.ts";
import { Writer } from "../../prepare/format/writer.ts";
import type { CoreFuncType } from "../format/syntax.ts";
import { entryPointType } from "./adapter_functions.ts";

/** Module of the imports that become functions of preview1. */
export const preview1Module = "wasi_snapshot_preview1";

const typeCodes: Readonly<Record<string, number>> = { i32: 0x7f, i64: 0x7e };

/**
 * Returns the module that takes the place of an adapter. It exports the functions that it imports,
 * and entry points that nothing calls. With the function `fd_close` and the entry point
 * `cabi_import_realloc` it is:
 * ```wat
 * (module
 *   (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
 *   (export "fd_close" (func $fd_close))
 *   (func (export "cabi_import_realloc") (param i32 i32 i32 i32) (result i32) unreachable))
 * ```
 */
export function standInModule(
  functions: readonly { readonly name: string; readonly type: CoreFuncType }[],
  entryPoints: readonly string[],
): Uint8Array<ArrayBuffer> {
  const writer = new Writer(1024);
  const section = <T>(id: number, items: readonly T[], write: (item: T, index: number) => void) => {
    writer.byte(id);
    const begun = writer.begin(1);
    writer.u32(items.length);
    items.forEach(write);
    writer.end(begun, 1);
  };
  writer.bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const types = [...functions.map(({ type }) => type), entryPointType];
  section(SectionId.type, types, ({ params, results }) => {
    writer.byte(0x60);
    for (const list of [params, results]) {
      writer.u32(list.length);
      for (const type of list) writer.byte(typeCodes[type] ?? 0);
    }
  });
  section(SectionId.import, functions, ({ name }, index) => {
    writer.name(preview1Module);
    writer.name(name);
    writer.byte(0);
    writer.u32(index);
  });
  section(SectionId.function, entryPoints, () => writer.u32(functions.length));
  section(
    SectionId.export,
    [...functions.map(({ name }) => name), ...entryPoints],
    (name, index) => {
      writer.name(name);
      writer.byte(0);
      writer.u32(index);
    },
  );
  section(SectionId.code, entryPoints, () => {
    writer.u32(3);
    writer.bytes([0, Op.unreachable, Op.end]);
  });
  return writer.finish();
}
