import assert from "node:assert/strict";
import fc from "fast-check";
import { UsageError } from "../../src/base/errors.ts";
import { type Flag, variableOf } from "../../src/options/flag.ts";
import { flags } from "../../src/options/flags.ts";
import type { ModeOptions } from "../../src/options/mode_options.ts";
import { parse, type ParsedCommand } from "../../src/cli/parse.ts";
import { type GrantedFolder, type ModulePath, path } from "../../src/options/flag.ts";
import { modeNames } from "../../src/options/modes.ts";
import { badCommandLines } from "./bad_command_lines.ts";

const env = (variables: Record<string, string> = {}) => ({
  get: (name: string) => Object.hasOwn(variables, name) ? variables[name] : undefined,
});

/** Returns the message of a refused command line. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof UsageError)) throw error;
  return error.message;
}

function cli(args: readonly string[], variables?: Record<string, string>): ModeOptions<"cli"> {
  const command = parse(["-mode=cli", ...args], env(variables));
  assert(command.kind === "mode" && command.mode === "cli");
  return command.options;
}

function http(args: readonly string[], variables?: Record<string, string>): ModeOptions<"http"> {
  const command = parse(args, env(variables));
  assert(command.kind === "mode" && command.mode === "http");
  return command.options;
}

/** A module without middleware. */
const at = (path: string) => ({ path, middleware: [] });

/** `true` if both are the same type. */
type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends (<X>() => X extends B ? 1 : 2) ? true
  : false;

// Checked by the compiler alone: an element that is not `true` fails `deno check`.
type Http = ModeOptions<"http">;
const typesOfOptions: [
  Same<Http["httpPort"], number>,
  Same<Http["log"], "text" | "json">,
  Same<Http["wasm"], ModulePath | undefined>,
  Same<Http["timeout"], number>,
  Same<Http["sandbox"], boolean>,
  Same<Http["dir"], readonly GrantedFolder[]>,
  Same<Http["allowRead"], readonly string[] | undefined>,
  Same<Extract<keyof ModeOptions<"cli">, "httpPort">, never>,
] = [true, true, true, true, true, true, true, true];
void typesOfOptions;

Deno.test("parse: no flags select http with the documented defaults", () => {
  assert.deepEqual(http([]), {
    adapter: "capsule",
    args: [],
    mode: "http",
    log: "text",
    help: false,
    version: false,
    completion: undefined,
    man: false,
    healthCheck: undefined,
    wasm: undefined,
    url: undefined,
    sha256: undefined,
    ca: undefined,
    cache: undefined,
    insecure: false,
    data: "./.capsule",
    httpPort: 8080,
    host: "127.0.0.1",
    crt: undefined,
    key: undefined,
    maxBody: 10 * 1024 ** 2,
    maxStreamBody: undefined,
    dir: [],
    env: [],
    allowRead: undefined,
    allowWrite: undefined,
    allowEnv: undefined,
    allowNet: undefined,
    allowListen: undefined,
    sandbox: false,
    maxMemory: 256 * 1024 ** 2,
    timeout: 30_000,
    slice: 2,
    supervised: false,
    httpProxy: "none",
    httpTimeout: 30_000,
    maxResponse: 64 * 1024 ** 2,
    maxTotalMemory: undefined,
    threads: 1,
    maxInstances: 1024,
    maxQueue: 1024,
    reuse: false,
    unlimited: false,
  });
});

Deno.test("parse: cli has no timeout by default, and no option of a server", () => {
  assert.equal(cli([]).timeout, 0);
  assert.equal(cli(["-timeout=1s"]).timeout, 1000);
  assert.equal("httpPort" in cli([]), false);
});

Deno.test("parse: keeps non-ASCII and empty arguments", () => {
  const command = parse(
    ["--", "-wasm=./hello.wasm", "-mode=cli", "👋 hello world 🌍🎃", "1234", "", "Bob Morane"],
    env(),
  );
  assert(command.kind === "mode" && command.mode === "cli");
  assert.deepEqual(command.options.wasm, at("./hello.wasm"));
  assert.deepEqual(command.options.args, ["👋 hello world 🌍🎃", "1234", "", "Bob Morane"]);
});

const sameAs: [string, string[], Partial<ModeOptions<"cli">>][] = [
  ["a value after =", ["-wasm=a=b.wasm"], { wasm: at("a=b.wasm") }],
  ["a value as the next argument", ["-wasm", "a.wasm"], { wasm: at("a.wasm") }],
  ["two dashes", ["--wasm=a.wasm", "--timeout", "2s"], { wasm: at("a.wasm"), timeout: 2000 }],
  ["a value that is a dash", ["-wasm", "-"], { wasm: at("-") }],
  ["a value that begins with a dash", ["-wasm", "-odd.wasm"], { wasm: at("-odd.wasm") }],
  ["flags after arguments", ["a", "-wasm=w", "b"], { wasm: at("w"), args: ["a", "b"] }],
  ["-- ends the flags", ["-wasm=w", "--", "-wasm=x", "--", "-5"], {
    wasm: at("w"),
    args: ["-wasm=x", "--", "-5"],
  }],
  ["a dash alone is an argument", ["-", "a"], { args: ["-", "a"] }],
  ["a boolean takes no next argument", ["-sandbox", "false"], { sandbox: true, args: ["false"] }],
  ["a boolean takes a value with =", ["-sandbox=false"], { sandbox: false }],
  ["the last of several wins", ["-timeout=1s", "-timeout=2s"], { timeout: 2000 }],
  ["all but the last -wasm are middleware", ["-wasm=a", "-wasm=b", "-wasm=c"], {
    wasm: { path: "c", middleware: ["a", "b"] },
  }],
  ["a digest in capitals", ["-wasm=a", `-sha256=${"AB".repeat(32)}`], { sha256: "ab".repeat(32) }],
  ["sizes with units", ["-maxMemory=1.5GiB", "-maxResponse=0"], {
    maxMemory: 1610612736,
    maxResponse: 0,
  }],
  ["no time-out", ["-timeout=0", "-httpTimeout=0"], { timeout: 0, httpTimeout: 0 }],
  ["the longest time-out", ["-timeout=596h"], { timeout: 596 * 3_600_000 }],
  ["folders", ["-dir=/srv/données", "-dir", "a::/b"], {
    dir: [{ host: "/srv/données", guest: "/srv/données" }, { host: "a", guest: "/b" }],
  }],
  ["variables of the guest", ["-env=A=b=c", "-env=B=", "-env", "HOME"], {
    env: [{ name: "A", value: "b=c" }, { name: "B", value: "" }, {
      name: "HOME",
      value: undefined,
    }],
  }],
  ["lists, repeated and with commas", ["-allowNet=a,b:80", "-allowNet=10.0.0.0/8"], {
    allowNet: ["a", "b:80", "10.0.0.0/8"],
  }],
  ["a list that allows nothing", ["-allowRead=", "-allowWrite", ""], {
    allowRead: [],
    allowWrite: [],
  }],
];
for (const [name, args, expected] of sameAs) {
  Deno.test(`parse: ${name}`, () => {
    const options: Record<string, unknown> = cli(args);
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(options[key], value, key);
  });
}

Deno.test("parse: booleans have the spellings of Go", () => {
  for (const yes of ["1", "t", "T", "true", "TRUE", "True"]) {
    assert.equal(cli([`-sandbox=${yes}`]).sandbox, true, yes);
  }
  for (const no of ["0", "f", "F", "false", "FALSE", "False"]) {
    assert.equal(cli(["-sandbox", `-sandbox=${no}`]).sandbox, false, no);
  }
});

Deno.test("parse: drops one -- at the beginning, and no other", () => {
  assert.equal(parse(["--", "-version"], env()).kind, "version");
  assert.deepEqual(
    parse(["--", "-mode=cli", "--", "--"], env()),
    parse(["-mode=cli", "--", "--"], env()),
  );
  assert.deepEqual(cli(["--", "--"]).args, ["--"]);
});

Deno.test("parse: a variable sets its flag, and the command line takes precedence", () => {
  assert.equal(variableOf("httpPort"), "CAPSULE_HTTP_PORT");
  assert.equal(variableOf("sha256"), "CAPSULE_SHA256");
  const variables = { CAPSULE_HTTP_PORT: "81", CAPSULE_SANDBOX: "t", CAPSULE_DIR: "a\nb::/c\n" };
  assert.equal(http([], variables).httpPort, 81);
  assert.equal(http(["-httpPort=82"], variables).httpPort, 82);
  assert.equal(http([], variables).sandbox, true);
  assert.equal(http(["-sandbox=false"], variables).sandbox, false);
  assert.deepEqual(http([], variables).dir, [{ host: "a", guest: "a" }, {
    host: "b",
    guest: "/c",
  }]);
  assert.deepEqual(http(["-dir=d"], variables).dir, [{ host: "d", guest: "d" }]);
  const command = parse(
    ["x"],
    env({ CAPSULE_MODE: "cli", CAPSULE_WASM: "w", CAPSULE_URL: "http://h/w" }),
  );
  assert(command.kind === "mode" && command.mode === "cli");
  assert.equal(command.options.url, "http://h/w");
});

Deno.test("parse: an empty variable counts as unset, except for a list", () => {
  assert.equal(
    http([], { CAPSULE_HTTP_PORT: "", CAPSULE_WASM: "", CAPSULE_DIR: "" }).httpPort,
    8080,
  );
  assert.deepEqual(http([], { CAPSULE_ALLOW_NET: "" }).allowNet, []);
});

Deno.test("parse: ignores the variables of other modes' flags, valid or not", () => {
  assert.equal(cli([], { CAPSULE_HTTP_PORT: "81", CAPSULE_THREADS: "no" }).mode, "cli");
});

Deno.test("parse: -help and -version precede invalid values and have no variable", () => {
  assert.deepEqual(parse(["-help", "-httpPort=x"], env({ CAPSULE_MODE: "no" })), {
    kind: "help",
    mode: undefined,
  });
  assert.deepEqual(parse(["-h", "-mode=cli", "-httpPort=1"], env()), { kind: "help", mode: "cli" });
  assert.deepEqual(parse(["--version", "a"], env({ CAPSULE_LOG: "no" })), { kind: "version" });
  assert.equal(parse([], env({ CAPSULE_VERSION: "1.2.3", CAPSULE_HELP: "1" })).kind, "mode");
  assert.equal(parse(["-help=false"], env()).kind, "mode");
});

for (const [args, message, variables] of badCommandLines) {
  const shown = JSON.stringify(args).slice(0, 60) +
    (variables ? " " + JSON.stringify(variables) : "");
  Deno.test(`parse: refuses ${shown}`, () => {
    assert.throws(() => parse(args, env(variables)), (error) => {
      assert.equal(sentenceOf(error), message);
      return true;
    });
  });
}

Deno.test("parse: names a missing required flag and its meaning", () => {
  const table: Record<string, Flag> = {
    ...flags,
    config: {
      group: "Routes",
      type: path,
      modes: modeNames,
      required: ["http"],
      about: "The routes.",
    },
  };
  assert.throws(
    () => parse([], env(), table),
    (error) => sentenceOf(error) === "-mode=http needs -config=PATH: The routes",
  );
  assert.equal(parse(["-mode=cli"], env(), table).kind, "mode");
  assert.equal(parse([], env({ CAPSULE_CONFIG: "routes.yaml" }), table).kind, "mode");
});

Deno.test("flags: every row is consistent", () => {
  const groups: string[] = [];
  for (const [name, flag] of Object.entries<Flag>(flags)) {
    assert.match(name, /^[a-z][A-Za-z0-9]*$/);
    assert.match(flag.about, /\.$/, `${name} ends with a full stop`);
    if (groups.at(-1) !== flag.group) {
      assert(!groups.includes(flag.group), `${name} stands with the other flags of its group`);
      groups.push(flag.group);
    }
    const defaults = typeof flag.default === "object"
      ? Object.values(flag.default)
      : [flag.default];
    for (const text of defaults) {
      if (text !== undefined) {
        assert.notEqual(flag.type.read(text), undefined, `the default of ${name}`);
      }
    }
    if (flag.needs === undefined) continue;
    const other = (flags as Record<string, Flag>)[flag.needs];
    assert(other, `-${name} needs a flag that there is`);
    for (const mode of flag.modes) {
      assert(other.modes.includes(mode), `-${flag.needs} exists in ${mode}`);
    }
  }
});

Deno.test("parse: any arguments after -- are unchanged", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (given) => {
      assert.deepEqual(cli(["--", ...given]).args, given);
    }),
  );
});

Deno.test("parse: any arguments between flags are unchanged and in order", () => {
  const argument = fc.string({ unit: "grapheme" }).filter((text) =>
    text === "-" || !text.startsWith("-")
  );
  fc.assert(
    fc.property(fc.array(argument), fc.array(argument), (before, after) => {
      assert.deepEqual(cli([...before, "-wasm=x", ...after]).args, [...before, ...after]);
    }),
  );
});

Deno.test("parse: any value after = is unchanged", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", minLength: 1 }), (value) => {
    assert.equal(cli([`-wasm=${value}`]).wasm?.path, value);
  }));
});

Deno.test("parse: any command line is a command or a UsageError of one line", () => {
  const names = Object.keys(flags);
  const word = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("-", "--", "---", "-=", "=", "", ...names.map((name) => `-${name}`)),
    fc.tuple(fc.constantFrom(...names), fc.string({ unit: "binary" })).map(([name, text]) =>
      `-${name}=${text}`
    ),
    fc.tuple(
      fc.constantFrom(...names),
      fc.constantFrom("cli", "http", "1", "0", "1s", "1KiB", "a::b"),
    )
      .map(([name, text]) => `--${name}=${text}`),
  );
  const variables = fc.dictionary(fc.constantFrom(...names.map(variableOf)), fc.string());
  fc.assert(
    fc.property(fc.array(word), variables, (args, set) => {
      let command: ParsedCommand;
      try {
        command = parse(args, env(set));
      } catch (error) {
        // deno-lint-ignore no-control-regex -- control characters are what must not be there
        assert.doesNotMatch(sentenceOf(error), /[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
        return;
      }
      assert(
        ["help", "version", "completion", "man", "healthCheck", "mode"].includes(command.kind),
      );
    }),
    { numRuns: 2000 },
  );
});
