/**
 * The language rules of the project as a Deno lint plugin: width of comments, the glossary's words,
 * no measured figures in `src`, and docstrings that begin with a verb or a noun.
 */

/** Width of a line of comment; code is wrapped at it by `deno fmt`. */
const maxWidth = 100;

/** Phrases that the glossary replaces, with what to write. */
const glossary: readonly (readonly [words: RegExp, write: string])[] = [
  [/\b(nobody|somebody|whoever)\b/i, "the caller, the client, no reader"],
  [/\b(so|that) many\b/i, "N, `count` bytes, up to N"],
  [/\b(is|are) none\b|\bis no (name|number)\b/i, "is invalid, has no"],
  [/\b(what (came|comes) of|what is made of)\b/i, "the result, the outcome"],
  [/\b(at once|at a stretch|in turn)\b/i, "immediately, in one batch, per round"],
  [/\bfor ever\b/i, "no limit"],
  [/\bgo(es)? on\b/i, "continues"],
  [/\b(is|are|be|was|were) told\b|\bgets? to know\b/i, "is called, is notified"],
  [/\b(at most every|asked for longest ago)\b/i, "throttle, least recently used"],
  [/\bby chance\b/i, "jitter, at random"],
  [/\b(patience|what bytes buy)\b/i, "timeout, grace period, minimum transfer rate"],
  [/\bheaders? (of one connection|that says? who one is)\b/i, "hop-by-hop or credential headers"],
  [/\b(is|are|was|were) put back\b|\bputs? back\b/i, "reset, restore"],
  [/\bwhat shall (be|run)\b|\bit is so when\b/i, "desired state, commit, fsync"],
  [/\bjust been started\b|\bjust started\b/i, "fresh instance"],
  [/\bseen (from )?outside\b/i, "side effect"],
];

/** A measurement: microseconds, nanoseconds, per cent, a decimal factor, or a cost. */
const figure =
  /\d\s?(µs|ns|%)|\d\.\d+ times|\b(costs?|takes?|took|saves?)\b[^.;]{0,30}\d (ms|KB|MB|KiB|MiB)\b/;
/** A figure that is a default, a limit or a unit. */
const limit = /\b(default|at most|at least|limit|up to|jitter|of the \w+'s budget)\b/i;

const plugin: Deno.lint.Plugin = {
  name: "capsule",
  rules: {
    language: {
      create(context) {
        const inSource = /\/src\//.test(context.filename);
        const { sourceCode } = context;
        const docstring = (node: { range: Deno.lint.Range }) => {
          const comment = sourceCode.getCommentsBefore(node as Deno.lint.Node).at(-1);
          if (comment?.type !== "Block" || !comment.value.startsWith("*")) return;
          const [, word] = comment.value.match(/^[*\s]*(What|How|Whether|Where|Who)\b/) ?? [];
          if (word === undefined) return;
          const message = `A docstring starts with a verb or a noun, not with "${word}"`;
          context.report({ range: comment.range, message });
        };
        return {
          Program() {
            for (const { range, value } of sourceCode.getAllComments()) {
              const report = (message: string) => context.report({ range, message });
              const start = sourceCode.text.lastIndexOf("\n", range[0]) + 1;
              const end = sourceCode.text.indexOf("\n", range[1]);
              const lines = sourceCode.text.slice(start, end < 0 ? undefined : end).split("\n");
              const wide = lines.find((line) => line.length > maxWidth && !/\S{70}/.test(line));
              if (wide) report(`A comment has ${maxWidth} columns: this line has ${wide.length}`);
              const text = value.replace(/\s*\n\s*\*?\s*/g, " ").replace(/`[^`]*`/g, "``");
              for (const [words, write] of glossary) {
                const [found] = text.match(words) ?? [];
                if (found) report(`The glossary has: ${write}. Got "${found}"`);
              }
              const [measured] = limit.test(text) ? [] : text.match(figure) ?? [];
              if (inSource && measured) {
                report(`Measured figures stand in docs/benchmarks.md alone: got "${measured}"`);
              }
            }
          },
          ExportNamedDeclaration: docstring,
          ExportDefaultDeclaration: docstring,
          "ExportNamedDeclaration TSInterfaceBody > *": docstring,
          "ExportNamedDeclaration ClassBody > *": docstring,
        };
      },
    },
  },
};

export default plugin;
