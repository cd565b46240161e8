import { createHash } from "node:crypto";
import type { Hono } from "hono";
import { html, raw } from "hono/html";
import { isLoopback } from "../base/hosts.ts";
import type { ListedModule } from "./store/catalog.ts";
import type { RegistryStore } from "./store/registry_store.ts";

/** Modules on one page. */
const pageSize = 50;

const style = `
:root { color-scheme: light dark; --line: #8884; --quiet: #6b7280; --accent: #2563eb; }
@media (prefers-color-scheme: dark) { :root { --quiet: #9ca3af; --accent: #7aa2ff; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: .5rem 0; }
h2 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
form { display: flex; gap: .5rem; margin: 1rem 0; }
input { flex: 1; min-width: 0; }
input, button { font: inherit; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .4rem; }
ul { list-style: none; margin: 0; padding: 0; }
li { border-top: 1px solid var(--line); padding: .9rem 0; }
p { margin: .25rem 0; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: .9rem; }
code { font: .85rem/1.5 ui-monospace, monospace; }
pre { margin: .5rem 0; padding: .6rem .75rem; border: 1px solid var(--line); border-radius: .4rem; white-space: pre-wrap; overflow-wrap: anywhere; }
pre span { display: inline-block; max-width: 100%; }
a { color: var(--accent); }
nav { display: flex; justify-content: space-between; padding: 1rem 0; }
`;

/** Content Security Policy: no script, no foreign content, and this style only. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  // The page's icon is an empty `data:` URL, so that browsers request none.
  "img-src data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Adds the page at `/`, which lists and searches the modules. It needs no script. */
export function addPageRoutes(app: Hono, store: RegistryStore): void {
  app.get("/", (context) => {
    const url = new URL(context.req.raw.url);
    const query = url.searchParams.get("q")?.trim() ?? "";
    const found = search(store.catalog.modules(), query);
    const last = Math.max(1, Math.ceil(found.length / pageSize));
    const page = Math.min(
      last,
      Math.max(1, Math.floor(Number(url.searchParams.get("page") ?? 1)) || 1),
    );
    const shown = found.slice((page - 1) * pageSize, page * pageSize);
    const body = layout({ shown, total: found.length, query, page, last, origin: url.origin });
    return context.html(body, 200, {
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-cache",
    });
  });
}

/** Returns the modules whose name, tag, description or digest contains every word. */
function search(modules: readonly ListedModule[], query: string): readonly ListedModule[] {
  const words = query.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return modules;
  return modules.filter(({ repository, tag, info, digest }) => {
    const text = `${repository}/${tag} ${info.toLowerCase()} ${digest}`;
    return words.every((word) => text.includes(word));
  });
}

interface PageContent {
  shown: readonly ListedModule[];
  total: number;
  query: string;
  page: number;
  last: number;
  origin: string;
}

function layout({ shown, total, query, page, last, origin }: PageContent) {
  const link = (number: number) => `/?${new URLSearchParams({ q: query, page: String(number) })}`;
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Modules${query && ` · ${query}`}</title>
        <link rel="icon" href="data:,">
        <style>${raw(style)}</style>
      </head>
      <body>
        <header>
          <h1>WebAssembly modules</h1>
          <form action="/" role="search">
            <input type="search" name="q" value="${query}" placeholder="user, module, tag or text"
              aria-label="Search">
            <button>Search</button>
          </form>
        </header>
        <main>
    <p class="quiet">${countOf(total, query)}</p>
    <ul>${shown.map((module) => item(module, origin))}</ul>
    ${last > 1
      ? html`<nav><span>${
        page > 1 ? html`<a href="${link(page - 1)}" rel="prev">Back</a>` : ""
      }</span>
<span class="quiet">page ${page} of ${last}</span>
<span>${page < last ? html`<a href="${link(page + 1)}" rel="next">Next</a>` : ""}</span></nav>`
      : ""}
        </main>
      </body>
    </html>
  `;
}

function item(module: ListedModule, origin: string) {
  const { repository, tag, info, size, digest, at, plain } = module;
  const file = `${module.module}.wasm`;
  const path = plain ? `/${repository}/${tag}/${file}` : `/v2/${repository}/blobs/${digest}`;
  const { host, hostname, protocol } = new URL(origin);
  const isInsecure = !plain && protocol === "http:" && !isLoopback(hostname);
  const words = [
    "capsule",
    "-mode=http",
    `-url=${plain ? `${origin}${path}` : `oci://${host}/${repository}:${tag}`}`,
    `-wasm=${file}`,
    ...(isInsecure ? ["-insecure"] : []),
  ];
  const day = new Date(at).toISOString();
  return html`
    <li>
    <h2>${repository}<span class="quiet">:${tag}</span></h2>
    ${info === "" ? "" : html`<p>${info}</p>`}
    <p class="quiet">${sizeOf(size)} · <time datetime="${day}">${day.slice(
      0,
      10,
    )}</time> · <a href="${path}" download="${file}">Download</a></p>
    <p class="quiet"><code>${digest}</code></p>
    <pre><code>${words.map(spanned)}</code></pre>
    </li>
  `;
}

/** Wraps a word of a command, so that lines break between words and not at a hyphen. */
const spanned = (word: string) => [html`<span>${word}</span>`, " "];

function countOf(total: number, query: string): string {
  const modules = total === 1 ? "1 module" : `${total} modules`;
  if (query !== "") return `${modules} with “${query}”`;
  return total === 0
    ? "No modules yet: upload one with capsule -mode=push, curl, or any OCI tool."
    : modules;
}

/** Formats a size: `1.4 MiB`. */
function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
