import { processIo } from "./src/base/io.ts";
import { run } from "./src/cli/run.ts";

// The only place that knows the process: its arguments, its streams, its exit code. Whatever was written is out
// by then, since an Output writes before it returns.
Deno.exit(await run(processIo(Deno.args)));
