import { refuse } from "./preview1.ts";
import type { WasiState } from "./state.ts";

/** Makes the socket functions. No descriptor is a socket, so all of them fail with `ENOTSOCK`. */
export function sockFunctions(state: WasiState) {
  const notSocket = (fd: number): number => {
    state.descriptors.get(fd >>> 0);
    refuse("ENOTSOCK");
  };
  return {
    sock_accept: (fd: number, _flags: number, _ro_fd: number): number => notSocket(fd),
    sock_recv: (
      fd: number,
      _ri_data: number,
      _ri_data_len: number,
      _ri_flags: number,
      _ro_datalen: number,
      _ro_flags: number,
    ): number => notSocket(fd),
    sock_send: (
      fd: number,
      _si_data: number,
      _si_data_len: number,
      _si_flags: number,
      _so_datalen: number,
    ): number => notSocket(fd),
    sock_shutdown: (fd: number, _how: number): number => notSocket(fd),
  };
}
