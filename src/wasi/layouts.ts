import type { FileStatus, Whence } from "../files/file_backend.ts";
import { fileTypeOf } from "./preview1.ts";

/** Constants and structures that differ between preview1 and `wasi_unstable` (snapshot 0). */
export interface WasiLayouts {
  /** Values of `whence`. */
  readonly whences: readonly Whence[];
  readonly filestat: FilestatLayout;
  /** Size of a `subscription` and offsets of the fields of its clock. */
  readonly subscription: {
    readonly bytes: number;
    readonly clockId: number;
    readonly timeout: number;
    readonly flags: number;
  };
}

interface FilestatLayout {
  readonly bytes: number;
  readonly setLinks: (view: DataView, at: number, links: bigint) => void;
  /** Offset of the size, which the three times follow. */
  readonly size: number;
}

/** @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md */
export const preview1Layouts: WasiLayouts = {
  whences: ["start", "current", "end"],
  filestat: {
    bytes: 64,
    setLinks: (view, at, links) => view.setBigUint64(at + 24, links, true),
    size: 32,
  },
  subscription: { bytes: 48, clockId: 16, timeout: 24, flags: 40 },
};

/** @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview0/docs.md */
export const unstableLayouts: WasiLayouts = {
  whences: ["current", "end", "start"],
  filestat: {
    bytes: 56,
    setLinks: (view, at, links) => view.setUint32(at + 20, Number(BigInt.asUintN(32, links)), true),
    size: 24,
  },
  // Its clock begins with user data of its own, at 16.
  subscription: { bytes: 56, clockId: 24, timeout: 32, flags: 48 },
};

/** Writes a `filestat`: device, inode, type, links, size, atim, mtim, ctim. */
export function writeFilestat(
  view: DataView,
  at: number,
  status: FileStatus,
  layout: FilestatLayout,
): void {
  view.setBigUint64(at, status.device, true);
  view.setBigUint64(at + 8, status.inode, true);
  view.setBigUint64(at + 16, BigInt(fileTypeOf(status.kind)), true);
  layout.setLinks(view, at, status.links);
  const { size } = layout;
  view.setBigUint64(at + size, status.size, true);
  view.setBigUint64(at + size + 8, BigInt.asUintN(64, status.accessNs), true);
  view.setBigUint64(at + size + 16, BigInt.asUintN(64, status.modifyNs), true);
  view.setBigUint64(at + size + 24, BigInt.asUintN(64, status.changeNs), true);
}
