/**
 * `main.ts`, but SIGUSR2 makes each serving thread fail with an uncaught error, as a bug of the
 * launcher would.
 */
const Thread = globalThis.Worker;

globalThis.Worker = class extends Thread {
  constructor(file: string | URL, options?: WorkerOptions) {
    const url = String(file);
    super(
      url.endsWith("/http_thread.ts") ? new URL("./mortal_thread.ts", import.meta.url) : url,
      options,
    );
  }
};

await import("../../main.ts");
