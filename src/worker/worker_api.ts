import type { Hono } from "hono";
import * as z from "zod";
import { CapsuleError } from "../base/errors.ts";
import type { Env } from "../base/io.ts";
import type { Log } from "../base/log.ts";
import type { Guard } from "../server/admin_guard.ts";
import { HttpError } from "../server/http_error.ts";
import { guarded, jsonApp, readJson as readBody } from "../server/json_app.ts";
import { errorResponse } from "../server/json_error.ts";
import type { DeployResult } from "./deploy_request.ts";
import type { Deployments } from "./deployments.ts";
import { variableFault } from "./run/environment.ts";
import { listDeployments } from "./list_deployments.ts";
import type { LogLine } from "./run/log_lines.ts";
import type { SyncResult } from "./routes/route_reconciler.ts";
import { instancesFrom, name, revisionFields } from "./revision_schema.ts";

/** Options of `workerApi`. */
export interface WorkerApiOptions {
  readonly deployments: Deployments;
  /** The proxy's URL, without a trailing slash. */
  readonly proxyUrl: string;
  /** The worker's own environment, against which a deployment's variables are checked. */
  readonly env: Env;
  readonly guard: Guard;
  readonly log: Log;
}

/** Returns the worker's API (docs/worker-api.md). */
export function workerApi({ deployments, proxyUrl, env, guard, log }: WorkerApiOptions): Hono {
  const deployment = deploymentSchema(env);
  const remoteUrl = (...names: string[]) => [proxyUrl, "functions", ...names].join("/");
  const app = jsonApp(log);
  app.onError((error) => errorResponse(asHttp(error), log));
  app.get("/health", (context) => context.text("OK"));
  app.use("/functions/*", guarded(guard));

  app.post("/functions/deploy", async (context) => {
    const asked = await readJson(context.req.raw, deployment);
    const { revision, instances } = asked;
    const { urls, registration } = await deployments.deploy(asked);
    return context.json({
      code: "FUNCTION_DEPLOYED",
      message: "Function deployed",
      function: asked.function,
      revision,
      localUrl: urls[0],
      remoteUrl: remoteUrl(asked.function, revision),
      ...(instances !== undefined && { localUrls: urls }),
      ...unregistered(registration),
    }, 202);
  });

  app.post("/functions/scale", async (context) => {
    const { instances, ...target } = await readJson(context.req.raw, scaling);
    const { urls, registration }: DeployResult = await deployments.scale(target, instances);
    return context.json({
      code: "FUNCTION_SCALED",
      message: "Function scaled",
      ...target,
      instances,
      localUrls: urls,
      ...unregistered(registration),
    }, 202);
  });

  app.post("/functions/set_default_revision", async (context) => {
    const target = await readJson(context.req.raw, named);
    const registration = await deployments.setDefault(target);
    return context.json({
      code: "DEFAULT_REVISION_REGISTERED",
      message: "Default revision registered",
      ...target,
      url: remoteUrl(target.function),
      ...unregistered(registration),
    }, 202);
  });

  app.delete("/functions/remove_default_revision", async (context) => {
    const target = await readJson(context.req.raw, justFunction);
    const registration = await deployments.removeDefault(target.function);
    return context.json({
      code: "DEFAULT_REVISION_REMOVED",
      message: "Default revision removed",
      ...target,
      ...unregistered(registration),
    }, 202);
  });

  app.delete("/functions/revisions/deployments", async (context) => {
    const target = await readJson(context.req.raw, named);
    await deployments.remove(target);
    return context.json({
      code: "REVISION_DEPLOYMENT_REMOVED",
      message: "revision deployment removed (all processes killed)",
      ...target,
    }, 202);
  });

  app.get(
    "/functions/list",
    async (context) => context.json(await listDeployments(deployments, remoteUrl)),
  );

  app.get("/functions/:function/:revision/logs", (context) => {
    const target = context.req.param();
    const found = deployments.find(target);
    if (found === undefined) {
      const message = `${target.revision} of ${target.function} is not deployed`;
      throw new HttpError(404, "REVISION_NOT_FOUND", message);
    }
    const count = lineCount(context.req.query("lines"));
    const headers = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
    if (context.req.query("follow") === undefined) {
      return new Response(found.logs.last(count).map(formatLine).join(""), { headers });
    }
    const encoder = new TextEncoder();
    const bytes = new TransformStream<LogLine, Uint8Array>({
      transform: (line, controller) => controller.enqueue(encoder.encode(formatLine(line))),
    });
    return new Response(found.logs.follow(count).pipeThrough(bytes), { headers });
  });
  return app;
}

const named = z.strictObject({ function: name, revision: name });
const justFunction = z.strictObject({ function: name });
const scaling = z.strictObject({ function: name, revision: name, instances: instancesFrom(0) });

function deploymentSchema(env: Env) {
  const { downloadUrl, sha256, idle } = revisionFields;
  return z.strictObject({
    function: name,
    revision: name,
    downloadUrl,
    sha256: sha256.optional(),
    instances: instancesFrom(1).optional(),
    replace: z.boolean().optional(),
    envVariables: z.record(z.string(), z.string()).superRefine((variables, context) => {
      for (const [variable, value] of Object.entries(variables)) {
        const fault = variableFault(variable, value, env);
        if (fault) context.addIssue({ code: "custom", path: [variable], message: fault });
      }
    }).optional(),
    idle: idle.optional(),
  });
}

function readJson<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  // A deployment may have many variables.
  return readBody(request, schema, {
    maxBytes: 1024 * 1024,
    syntaxCode: "JSON_PARSE_ERROR",
    shapeCode: "JSON_SHAPE_ERROR",
  });
}

function lineCount(text: string | undefined): number {
  if (text === undefined) return 100;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new HttpError(
    400,
    "BAD_LINES",
    `lines must be a number of up to 6 digits, got "${text.slice(0, 40)}"`,
  );
}

/** Converts a failure to save the state, after which the change was undone. */
function asHttp(error: unknown): unknown {
  if (!(error instanceof CapsuleError) || error.code !== "STATE") return error;
  return new HttpError(507, "STATE_NOT_SAVED", error.message, {
    cause: error,
    more: { step: "save" },
  });
}

const unregistered = (synced: SyncResult) =>
  synced.kind === "done" ? {} : { registered: false, why: synced.why };

const formatLine = ({ timeMs, from, text }: LogLine): string =>
  `${new Date(timeMs).toISOString()} ${from} ${text}\n`;
