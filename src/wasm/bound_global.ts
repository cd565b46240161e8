import { accessorNames } from "../prepare/contract.ts";

/** A mutable global of an instance, to be read and written back without a change. */
export interface BoundGlobal {
  value: unknown;
}

/** Returns the global that a prepared module exports under `name`, itself or through accessors. */
export function bindGlobal(exports: WebAssembly.Exports, name: string): BoundGlobal {
  const global = exports[name];
  if (global instanceof WebAssembly.Global) return global;
  const { get, set } = accessorNames(name);
  const read = exports[get] as () => unknown;
  const write = exports[set] as (value: unknown) => void;
  return {
    get value() {
      return read();
    },
    set value(value) {
      write(value);
    },
  };
}
