import type { ComponentContenders } from "./contenders.ts";
import { modules } from "../contenders.ts";
import { measureRequests } from "../measure_requests.ts";
import { type Bench, byLength, type Line } from "../row.ts";

/** Requests a second with a fresh instance each: a small component and one of many megabytes. */
export async function requests(
  { bare, ours, wasmtime }: ComponentContenders,
  bench: Bench,
  javascript: string | undefined,
): Promise<Line[]> {
  const connections = byLength(bench.length, { smoke: [2], quick: [32], full: [32] });
  const lines = await measureRequests({
    name: "Rust, GET",
    module: modules.component,
    method: "GET",
    connections,
    contenders: [bare, ours, wasmtime],
    targets: { [bare.name]: 0.5, [wasmtime.name]: 3 },
  }, bench);
  if (javascript === undefined) return lines;
  const large = await measureRequests({
    name: "JavaScript, GET",
    module: javascript,
    method: "GET",
    connections,
    contenders: [ours, wasmtime],
    // V8 compiles a component of this size while it is called.
    warmUpSeconds: 2,
    targets: { [wasmtime.name]: 1 },
  }, bench);
  return [...lines, ...large];
}
