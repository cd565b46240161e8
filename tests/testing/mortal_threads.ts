/**
 * `main.ts`, but each thread that serves dies of an error that nobody catches when the process gets SIGUSR2, as it would of
 * a bug of the launcher's.
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
