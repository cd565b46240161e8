import { readBody } from "../server/read_body.ts";

/** Reads a body that nobody wants. */
export async function dropBody(request: Request): Promise<void> {
  if (request.method === "GET" || request.method === "HEAD") return;
  try {
    await readBody(request, 0);
  } catch {
    // Over a limit of nothing is what most bodies are.
  }
}
