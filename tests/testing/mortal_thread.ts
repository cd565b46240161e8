import "../../src/modes/http_thread.ts";

Deno.addSignalListener("SIGUSR2", () => {
  throw new Error("☠ nobody catches this");
});
