import { openWorker, type WorkerOptions, type WorkerService } from "../../src/worker/worker.ts";
import { memoryIo } from "../testing/memory_io.ts";
import { memoryLog } from "../server/memory_log.ts";

/** Runs `run` with a worker without a port, in a temporary folder. */
export async function inWorker(
  run: (worker: WorkerService, folder: string) => Promise<void>,
  more: Partial<WorkerOptions> & { variables?: Record<string, string> } = {},
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const { variables, ...options } = more;
  try {
    const worker = await openWorker({
      command: ["/bin/false"],
      data: folder,
      host: "127.0.0.1",
      proxy: { url: "http://localhost:8888/", backend: "memory" },
      domain: "localhost",
      portCounter: 0,
      healthMs: 10_000,
      env: memoryIo({ env: variables }).env,
      log: memoryLog().log,
      ...options,
    });
    try {
      await run(worker, folder);
    } finally {
      await worker.stop(0);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Calls the worker as a local program does. */
export async function call(
  worker: WorkerService,
  method: string,
  path: string,
  { body, headers }: { body?: unknown; headers?: Record<string, string> } = {},
) {
  const response = await worker.handler(
    new Request(`http://localhost:9999${path}`, {
      method,
      headers,
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    }),
  );
  return { status: response.status, body: JSON.parse(await response.text()) };
}
