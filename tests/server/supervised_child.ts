import { processIo } from "../../src/base/io.ts";
import { endWithInput } from "../../src/server/end_with_input.ts";
import { attachSupervisor } from "../../src/server/supervision.ts";

// Tells that it is ready, and then waits as a server does ("wait"), or keeps its one thread busy for ever ("spin").
const supervisor = await attachSupervisor(processIo(Deno.args));
if (Deno.args[0] === "spin") endWithInput();
console.log("a line of its own");
supervisor.tell({ kind: "ready", url: "http://localhost:1", port: 1 });
if (Deno.args[0] === "spin") { for (;;); }
await supervisor.gone;
console.log("left alone");
