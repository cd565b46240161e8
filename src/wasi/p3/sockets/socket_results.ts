import type { Value } from "../../../component/abi/codec.ts";
import { SocketFailure } from "../../p2/sockets/socket_error.ts";
import { err, ok } from "../../p2/state.ts";
import type { IoError } from "../../p2/stream_end.ts";

/** Codes of 0.2 that 0.3 lacks, each with its replacement. */
const renamed: Readonly<Record<string, string>> = {
  "concurrency-conflict": "invalid-state",
  "not-in-progress": "invalid-state",
  "new-socket-limit": "out-of-memory",
};

/** Codes of `wasi:sockets/types` and `ip-name-lookup`. */
const known: ReadonlySet<string> = new Set([
  ...["access-denied", "not-supported", "invalid-argument", "out-of-memory", "timeout"],
  ...["invalid-state", "address-not-bindable", "address-in-use", "remote-unreachable"],
  ...["connection-refused", "connection-broken", "connection-reset", "connection-aborted"],
  ...["datagram-too-large", "name-unresolvable", "temporary-resolver-failure"],
  "permanent-resolver-failure",
]);

/** Returns an error-code of 0.2 as a result of 0.3. */
export function failed(code: string): Value {
  const tag = renamed[code] ?? code;
  return err(known.has(tag) ? { tag } : { tag: "other", value: undefined });
}

/** Reports whether a result is an error. */
export function isError(result: Value): boolean {
  return (result as { tag: string }).tag === "error";
}

/** Returns a result of a socket of 0.2 as one of 0.3. */
export function resultOf(result: Value): Value {
  const { tag, value } = result as { tag: string; value: string };
  return tag === "error" ? failed(value) : result;
}

/** Returns the result of a stream that ended, with the error if it failed. */
export function endOf(error: IoError | undefined): Value {
  if (!error) return ok();
  return failed(error.cause instanceof SocketFailure ? error.cause.code : "unknown");
}

/** Returns the value of a result, undefined for an error. */
export function valueOf<T>(result: Value): T | undefined {
  const { tag, value } = result as { tag: string; value: T };
  return tag === "ok" ? value : undefined;
}
