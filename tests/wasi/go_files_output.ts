/** Output of `tests/testdata/wasi/go-files`. */
export const goFilesOutput = [
  "hello world 2 é",
  "moved false",
  "11 true",
  ...Array.from({ length: 6 }, () => "true"),
  "",
].join("\n");
