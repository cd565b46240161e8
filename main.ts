import "./src/cli/preload.ts";
import { processIo } from "./src/base/io.ts";
import { run } from "./src/cli/run.ts";

// The only file that touches the process: its arguments, its streams, its exit code. All output is
// written by then: `run` closes the queues of a server.
Deno.exit(await run(processIo(Deno.args)));
