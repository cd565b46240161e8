import type { Hono } from "hono";
import * as z from "zod";
import type { Log } from "../../base/log.ts";
import type { Guard } from "../../server/admin_guard.ts";
import { HttpError } from "../../server/http_error.ts";
import { guarded, jsonApp, readJson } from "../../server/json_app.ts";
import type { RouteTable } from "../routes/change_routes.ts";
import { listRoutes } from "../routes/routes.ts";
import { name, nameFault, upstreamUrl } from "../routes/schema.ts";

/** The options of the admin interface. */
export interface AdminOptions {
  /** The first segment of its paths: `memory`, `redis`. */
  readonly backend: string;
  readonly guard: Guard;
  readonly log: Log;
}

const registration = z.strictObject({
  function: name,
  revision: name,
  url: upstreamUrl.nullable(),
});
const justFunction = z.strictObject({ function: name });
const revisionAndUrl = z.strictObject({ revision: name, url: upstreamUrl });
const whichRevision = z.strictObject({ revision: name, ifEmpty: z.boolean().optional() });
const justUrl = z.strictObject({ url: upstreamUrl });

/** Makes the admin interface, which lists and changes the routes. */
export function adminApi(table: RouteTable, { backend, guard, log }: AdminOptions): Hono {
  const app = jsonApp(log);
  const root = `/${backend}/functions`;
  app.use(`/${backend}/*`, guarded(guard));
  app.get(`${root}/list`, (context) => context.json(listRoutes(table.routes)));

  app.post(`${root}/registration`, async (context) => {
    const body = await readJson(context, registration);
    await table.change({ kind: "register", ...body });
    return context.json({ code: "OK", message: "Function created", ...body }, 202);
  });
  app.delete(`${root}/registration`, async (context) => {
    const body = await readJson(context, justFunction);
    await table.change({ kind: "remove-function", ...body });
    return context.json({ code: "OK", message: "Function removed", ...body }, 202);
  });

  app.post(`${root}/:function/revision`, async (context) => {
    const given = {
      function: nameIn(context.req.param("function")),
      ...await readJson(context, revisionAndUrl),
    };
    await table.change({ kind: "add-revision", ...given });
    return context.json({ code: "OK", message: "Revision added to the function", ...given }, 202);
  });
  app.delete(`${root}/:function/revision`, async (context) => {
    const given = {
      function: nameIn(context.req.param("function")),
      ...await readJson(context, whichRevision),
    };
    await table.change({ kind: "remove-revision", ...given });
    return context.json(
      { code: "OK", message: "Revision removed from the function", ...given },
      202,
    );
  });

  for (
    const [method, kind, message] of [
      ["POST", "add-url", "URL added to the revision"],
      ["DELETE", "remove-url", "URL removed from the revision"],
    ] as const
  ) {
    app.on(method, `${root}/:function/:revision/url`, async (context) => {
      const given = {
        function: nameIn(context.req.param("function")),
        revision: nameIn(context.req.param("revision")),
        ...await readJson(context, justUrl),
      };
      await table.change({ kind, ...given });
      return context.json({ code: "OK", message, ...given }, 202);
    });
  }
  return app;
}

function nameIn(segment: string): string {
  const fault = nameFault(segment);
  if (fault === undefined) return segment;
  throw new HttpError(400, "ERROR_BAD_NAME", `expected ${fault} of a function or a revision`);
}
