import { posix } from "node:path";
import type { Context, Hono } from "hono";
import type { ModuleName } from "../../oci/names.ts";
import { HttpError } from "../../server/http_error.ts";
import { dropBody } from "../../server/read_body.ts";
import { pageNotFound } from "../../server/json_error.ts";
import { serveFile } from "../download/serve_file.ts";
import { pageOf } from "../paging.ts";
import type { ListedModule } from "../store/catalog.ts";
import { assertModuleName } from "../store/module_name.ts";
import type { RegistryStore } from "../store/registry_store.ts";

/** Options of `addModuleRoutes`. */
export interface ModuleRoutesOptions {
  store: RegistryStore;
  /** The value of `-files`, for the paths in the list. */
  files: string;
  /** Lets an upload replace the bytes of a tag. */
  overwrite: boolean;
}

/** A module in the list of `/modules`. */
export interface ShownModule extends ModuleName {
  size: number;
  digest: string;
  /** ISO 8601, as `2026-01-31T12:00:00.000Z`. */
  createdAt: string;
  /** The path of its file; `null` when only the OCI protocol can address its repository. */
  path: string | null;
}

/** A module that a request names. */
interface TaggedModule extends ModuleName {
  repository: string;
  digest: ListedModule["digest"];
  size: number;
  info: string;
}

/** Adds the module interface: upload, download, description, list and removal. */
export function addModuleRoutes(
  app: Hono,
  { store, files, overwrite }: ModuleRoutesOptions,
): void {
  const find = (context: Context): TaggedModule => {
    const { user, module, tag } = nameOf(context);
    const repository = `${user}/${module}`;
    const found = store.catalog.tagged(repository, tag);
    if (!found?.manifest.module) throw moduleNotFound(context);
    return { user, module, tag: found.tag, repository, ...found.manifest.module };
  };
  const serve = async (context: Context, { module, digest, size }: TaggedModule) =>
    await serveFile(context.req.raw, {
      path: store.blobs.path(digest),
      size,
      digest,
      contentType: "application/wasm",
      headers: { "content-disposition": `attachment; filename="${module}.wasm"` },
    });

  app.post("/upload/:user/:module/:tag", async (context) => {
    const request = context.req.raw;
    try {
      const name = nameOf(context);
      assertModuleName(name);
      // Loaded on the first upload: the form parser brings Node streams.
      const { readUploadForm } = await import("./upload_form.ts");
      await using writer = await store.blobs.begin();
      const { filename, info } = await readUploadForm(request, {
        writer,
        maxBytes: store.maxBytes,
      });
      const fault = writer.moduleFault(filename);
      if (fault) throw new HttpError(400, "NOT_A_MODULE", fault.message, { cause: fault });
      const { digest } = await store.putModule(name, writer, { info, overwrite });
      return context.json({ code: "OK", message: `🙂 ${filename} uploaded!` }, 200, {
        "docker-content-digest": digest,
      });
    } catch (error) {
      await dropBody(request);
      throw error;
    }
  });

  app.get("/info/:user/:module/:tag", (context) => context.text(`${find(context).info}\n`));

  app.get("/modules", (context) => {
    const { url, headers } = context.req.raw;
    const { searchParams } = new URL(url);
    const isSelected = ({ user, module, tag }: ListedModule) =>
      Object.entries({ user, module, tag }).every(([key, value]) =>
        !searchParams.has(key) || searchParams.get(key) === value
      );
    const selected = store.catalog.modules().filter(isSelected)
      .sort((one, other) => keyOf(one) < keyOf(other) ? -1 : 1);
    const { page, headers: links } = pageOf(selected, new URL(url), { keyOf });
    const listed = page.map((module) => shown(module, files));
    if (/^text\/plain\b/.test(headers.get("accept") ?? "")) {
      const lines = listed.map(({ path }) => path === null ? "" : `${path}\n`);
      return context.text(lines.join(""), 200, links);
    }
    return context.json(listed, 200, links);
  });

  // The original's description uploads `hola` here and downloads it as `hello.wasm`.
  app.get("/upload/:user/:module/:tag/:file", async (context) => {
    const found = find(context);
    if (!context.req.param("file").endsWith(".wasm")) return pageNotFound(context.req.raw);
    return await serve(context, found);
  });

  app.get("/:user/:module/:tag/:file", async (context) => {
    const found = find(context);
    if (context.req.param("file") !== `${found.module}.wasm`) {
      return pageNotFound(context.req.raw);
    }
    return await serve(context, found);
  });

  app.delete("/:user/:module/:tag", async (context) => {
    const { user, module, tag } = nameOf(context);
    if (find(context).tag !== tag || !await store.deleteModule({ user, module, tag })) {
      throw moduleNotFound(context);
    }
    return context.json({ code: "OK", message: `${user}/${module}/${tag} removed` });
  });
}

function shown(
  { user, module, tag, size, digest, at, plain }: ListedModule,
  files: string,
): ShownModule {
  const path = plain ? posix.join(files, user, module, tag, `${module}.wasm`) : null;
  return { user, module, tag, size, digest, createdAt: new Date(at).toISOString(), path };
}

/** The key by which the list is sorted and paged. */
function keyOf({ repository, tag }: ListedModule): string {
  return `${repository}/${tag}`;
}

function nameOf(context: Context): ModuleName {
  const { user = "", module = "", tag = "" } = context.req.param();
  return { user, module, tag };
}

function moduleNotFound(context: Context): HttpError {
  const { user, module, tag } = nameOf(context);
  return new HttpError(404, "MODULE_NOT_FOUND", `there is no module ${user}/${module}/${tag}`);
}
