import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { capsuleCommand } from "../testing/capsule.ts";
import { runProgram } from "../testing/system_program.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const programs = "tests/rust/testsuite/wasm32-wasip3";

/**
 * The programs of WASI 0.3 of the public suite: the item of `CAPSULE_WASI_SUITE` that ends with
 * their folder, in a clone of https://github.com/WebAssembly/wasi-testsuite at its branch
 * prod/testsuite-base. Its runner needs Python with the packages colorama and requests.
 */
const suite = Deno.env.get("CAPSULE_WASI_SUITE")?.split(":")
  .find((folder) => folder.endsWith(programs))?.slice(0, -programs.length);
const runner = fileURLToPath(new URL("wasi_suite/run.py", import.meta.url));

/** Programs that cannot pass, with the reason. */
const expectedFailures: Readonly<Record<string, string>> = {
  "http-client-trailers": "the HTTP client, undici, sends no trailers",
  "sockets-tcp-properties": "Deno cannot set the hop limit of a socket",
  "sockets-udp-properties": "Deno cannot set the hop limit of a socket",
};

/** The report of the suite's runner. */
interface Report {
  readonly results: readonly {
    readonly tests: readonly {
      readonly name: string;
      readonly outcome: string;
      readonly failures: readonly string[];
    }[];
  }[];
}

Deno.test({
  name: `wasi suite: the programs of WASI 0.3${
    suite ? "" : " (CAPSULE_WASI_SUITE does not name them)"
  }`,
  ignore: !suite,
  fn: (test) =>
    inFolder(async (folder) => {
      // The programs write to the folder that they are given, which is part of the suite.
      await runProgram(["mkdir", "-p", `${folder}/tests/rust/testsuite`]);
      await runProgram(["cp", "-r", `${suite}/test-runner`, folder]);
      await runProgram(["cp", "-r", `${suite}/${programs}`, `${folder}/tests/rust/testsuite`]);
      const command = capsuleCommand().map((word) => `'${word}'`).join(" ");
      const report = `${folder}/report.json`;
      const { stderr } = await runProgram(
        ["python3", runner, folder, programs, report],
        { env: { ...Deno.env.toObject(), CAPSULE: command, PYTHONDONTWRITEBYTECODE: "1" } },
      );
      const text = await Deno.readTextFile(report).catch(() => assert.fail(stderr));
      const { results } = JSON.parse(text) as Report;
      const tests = results.flatMap(({ tests }) => tests);
      assert.ok(tests.length >= 55, `the suite ran ${tests.length} programs`);
      for (const { name, outcome, failures } of tests) {
        const reason = expectedFailures[name];
        await test.step({
          name: reason === undefined ? name : `${name} (fails: ${reason})`,
          fn: () =>
            assert.equal(outcome, reason === undefined ? "pass" : "fail", failures.join("\n")),
        });
      }
    }),
});
