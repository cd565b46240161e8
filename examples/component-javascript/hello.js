/** Responds to GET with a greeting, and to any other method with the request body. */
addEventListener("fetch", (event) => event.respondWith(respond(event.request)));

function respond(request) {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  if (request.method === "GET") return new Response("👋 Hello from JavaScript\n", { headers });
  return new Response(request.body, { headers });
}
