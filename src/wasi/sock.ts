import { refuse } from "./preview1.ts";
import type { State } from "./state.ts";

/** A guest is never given a socket, so every descriptor is the wrong kind. */
export function sockFunctions(state: State) {
  const notSocket = (fd: number): number => {
    state.descriptors.get(fd >>> 0);
    refuse("ENOTSOCK");
  };
  return {
    sock_accept: (fd: number, _flags: number, _accepted: number): number => notSocket(fd),
    sock_recv: (
      fd: number,
      _vectors: number,
      _count: number,
      _flags: number,
      _length: number,
      _outFlags: number,
    ): number => notSocket(fd),
    sock_send: (
      fd: number,
      _vectors: number,
      _count: number,
      _flags: number,
      _length: number,
    ): number => notSocket(fd),
    sock_shutdown: (fd: number, _how: number): number => notSocket(fd),
  };
}
