/** A component in JavaScript for `component_languages_test.ts`, which does what its path says. */
import { getArguments, getEnvironment } from "wasi:cli/environment@0.2.10";
import { exit } from "wasi:cli/exit@0.2.10";
import { getStdin } from "wasi:cli/stdin@0.2.10";

/** State that a second call of the same instance would see. */
let visits = 0;
const heap = [];
function visit() {
  visits++;
  heap.push("x".repeat(10_000));
  return `${visits} ${heap.length}`;
}

addEventListener("fetch", (event) => event.respondWith(respond(event.request, visit())));

async function respond(request, visited) {
  const { pathname, search } = new URL(request.url);
  switch (pathname) {
    case "/request": {
      const headers = [...request.headers].filter(([name]) => name.startsWith("x-"));
      const body = await request.text();
      return Response.json({ method: request.method, query: search, headers, body });
    }
    case "/echo":
      return new Response(request.body, {
        status: 201,
        headers: [["x-a", "1"], ["content-type", request.headers.get("content-type") ?? "none"]],
      });
    case "/throw":
      throw new Error("as asked");
    case "/loop":
      for (;;) heap[0] = visits++;
    case "/drip":
      return new Response(drip());
    default:
      return new Response(visited);
  }
}

/** Writes until its reader leaves. */
function drip() {
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      controller.enqueue(new TextEncoder().encode("drip "));
    },
  });
}

export const run = {
  run() {
    const args = getArguments().slice(1);
    const name = getEnvironment().find(([name]) => name === "NAME")?.[1] ?? null;
    console.log(JSON.stringify({ args, name, input: readAll(getStdin()), visited: visit() }));
    console.error("an error");
    if (args[0] === "fail") exit({ tag: "err" });
    if (args[0] === "throw") throw new Error("as asked");
    while (args[0] === "loop") visits++;
  },
};

function readAll(stream) {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) text += decoder.decode(stream.blockingRead(65_536n), { stream: true });
  } catch (error) {
    if (error.payload?.tag !== "closed") throw error;
  }
  return text;
}
