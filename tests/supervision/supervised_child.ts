import { processIo } from "../../src/base/io.ts";
import { endWithInput } from "../../src/supervision/end_with_input.ts";
import { attachSupervisor } from "../../src/supervision/supervisor.ts";

// Reports ready, then waits for its supervisor ("wait") or never yields its only thread ("spin").
const supervisor = await attachSupervisor(processIo(Deno.args));
if (Deno.args[0] === "spin") endWithInput();
console.log("a line of its own");
supervisor.report({ kind: "ready", url: "http://localhost:1", port: 1 });
if (Deno.args[0] === "spin") { for (;;); }
await supervisor.gone;
console.log("left alone");
