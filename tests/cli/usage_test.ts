import assert from "node:assert/strict";
import type { Flag } from "../../src/options/flag.ts";
import { flags } from "../../src/options/flags.ts";
import { usage } from "../../src/cli/usage.ts";
import { modeNames, modes } from "../../src/options/modes.ts";

Deno.test("usage: lists every mode and every flag once, with its group", () => {
  const lines = usage().split("\n");
  for (const [name, flag] of Object.entries<Flag>(flags)) {
    const rows = lines.filter((line) => new RegExp(`^  -${name}(?:=|  |$)`).test(line));
    assert(rows.length === 1 || name === "mode", `${name} is listed ${rows.length} times`);
    assert(lines.includes(flag.group), flag.group);
  }
  for (const name of modeNames) {
    assert(
      lines.some((line) =>
        line.startsWith(`  -mode=${name} `) && line.includes(modes[name].about.slice(0, 20))
      ),
    );
  }
});

Deno.test("usage: that of a mode lists its flags and its defaults only", () => {
  assert.doesNotMatch(usage("cli"), /^ {2}-httpPort=/m);
  assert.match(usage("http"), /^ {2}-httpPort=N +.*\(default 8080\)$/m);
  assert.doesNotMatch(usage("cli"), /Modes: |default 0, |for http/);
  assert.match(usage(), /\(default 30s, 0 for cli\)/);
  assert.match(usage("cli"), /\(default 0\)/);
  assert.match(
    usage("http"),
    /^usage: capsule -mode=http \[flags\] \[-- arguments of the program\]$/m,
  );
});

Deno.test("usage: no line is wider than 100 columns or ends with a space", () => {
  for (const text of [usage(), ...modeNames.map(usage)]) {
    assert(text.endsWith(".\n"));
    for (const line of text.split("\n")) {
      assert(line.length <= 100, line);
      assert.equal(line, line.trimEnd());
      assert.doesNotMatch(line, /undefined|\u00a0|\[object/);
    }
  }
});
