import { processIo } from "./src/base/io.ts";
import { run } from "./src/cli/run.ts";
// All else that is loaded with it, so that Deno reads it side by side (see `src/modes/cli.ts`).
import "./src/base/errors.ts";
import "./src/base/log.ts";
import "./src/base/units.ts";
import "./src/cli/parse.ts";
import "./src/cli/split.ts";
import "./src/options/flag.ts";
import "./src/options/flags.ts";
import "./src/options/modes.ts";
import "./src/options/value_types.ts";

// The only place that knows the process: its arguments, its streams, its exit code. Whatever was written is out
// by then, since an Output writes before it returns.
Deno.exit(await run(processIo(Deno.args)));
