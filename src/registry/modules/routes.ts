import { posix } from "node:path";
import type { Context, Hono } from "hono";
import { HttpError } from "../../server/http_error.ts";
import { pageNotFound } from "../../server/json_error.ts";
import type { ListedModule } from "../store/catalog.ts";
import type { ModuleName } from "../../oci/names.ts";
import { assertModuleName } from "../store/module_name.ts";
import { dropBody } from "../../server/json_app.ts";
import { pageOf } from "../paging.ts";
import { serveFile } from "../download/serve_file.ts";
import type { RegistryStore } from "../store/registry_store.ts";
import { readUploadForm } from "./upload_form.ts";

/** What the description's handlers work on. */
export interface ModuleOptions {
  store: RegistryStore;
  /** As `-files` has it, for the paths of the list. */
  files: string;
  /** Whether a tag may be uploaded again with other bytes. */
  overwrite: boolean;
}

/** A module that has a name in the description's interface. */
interface Found extends ModuleName {
  repository: string;
  digest: ListedModule["digest"];
  size: number;
  info: string;
}

/** The description's interface: upload, download, information, list, and removal. */
export function addModuleRoutes(
  app: Hono,
  { store, files, overwrite }: ModuleOptions,
): void {
  const find = (context: Context): Found | undefined => {
    const { user = "", module = "", tag = "" } = context.req.param();
    const repository = `${user}/${module}`;
    const found = store.catalog.tagged(repository, tag);
    return found?.manifest.module &&
      { user, module, tag: found.tag, repository, ...found.manifest.module };
  };

  app.post("/upload/:user/:module/:tag", async (context) => {
    const request = context.req.raw;
    try {
      const name = nameOf(context);
      assertModuleName(name);
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

  app.get("/info/:user/:module/:tag", (context) => {
    const found = find(context);
    if (!found) throw moduleNotFound(context);
    return context.text(`${found.info}\n`);
  });

  app.get("/modules", (context) => {
    const { url, headers } = context.req.raw;
    const { searchParams } = new URL(url);
    const wanted = store.catalog.modules().filter(({ user, module, tag }) =>
      [["user", user], ["module", module], ["tag", tag]].every(([key = "", value]) =>
        !searchParams.has(key) || searchParams.get(key) === value
      )
    ).sort((one, other) => keyOf(one) < keyOf(other) ? -1 : 1);
    const { page, headers: links } = pageOf(wanted, new URL(url), keyOf);
    const listed = page.map((each) => shown(each, files));
    if (/^text\/plain\b/.test(headers.get("accept") ?? "")) {
      return context.text(
        listed.map(({ path }) => path === null ? "" : `${path}\n`).join(""),
        200,
        links,
      );
    }
    return context.json(listed, 200, links);
  });

  const download = async (context: Context) => {
    const { file = "" } = context.req.param();
    const found = find(context);
    if (!found) throw moduleNotFound(context);
    // The description uploads hola and asks for hello.wasm.
    if (!file.endsWith(".wasm")) return pageNotFound(context.req.raw);
    return await serveFile(context.req.raw, {
      path: store.blobs.path(found.digest),
      size: found.size,
      digest: found.digest,
      contentType: "application/wasm",
      headers: { "content-disposition": `attachment; filename="${found.module}.wasm"` },
    });
  };
  app.get("/upload/:user/:module/:tag/:file", download);
  app.get("/:user/:module/:tag/:file", download);

  app.delete("/:user/:module/:tag", async (context) => {
    const { user, module, tag } = nameOf(context);
    if (find(context)?.tag !== tag || !await store.deleteModule({ user, module, tag })) {
      throw moduleNotFound(context);
    }
    return context.json({ code: "OK", message: `${user}/${module}/${tag} removed` });
  });
}

/** A module as the list has it. */
export interface ShownModule extends ModuleName {
  size: number;
  digest: string;
  /** As in `2026-01-31T12:00:00.000Z`. */
  createdAt: string;
  /** Where its file lies; `null` when its repository lives under `/v2/` alone. */
  path: string | null;
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
