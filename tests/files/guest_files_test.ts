import assert from "node:assert/strict";
import { FileError } from "../../src/files/file_error.ts";
import type { FileGrants } from "../../src/files/file_grants.ts";
import { createGuestFiles, type GuestFiles } from "../../src/files/guest_files.ts";
import { backends } from "./backends.ts";
import { openBelow, TemporaryFolder } from "../testing/temporary_folder.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (content: string) => new TextEncoder().encode(content);

interface Setting {
  readonly folder: TemporaryFolder;
  /** Makes guest files with these grants and the working directory `inside`; closed afterwards. */
  readonly files: (grants?: Partial<FileGrants>) => GuestFiles;
}

/** Defines a test per backend, and checks that no descriptor stays open. */
function contract(sentence: string, body: (setting: Setting) => void): void {
  for (const { name, make } of backends) {
    Deno.test(`guest files (${name}): ${sentence}`, () => {
      using folder = new TemporaryFolder();
      const made: GuestFiles[] = [];
      const backend = make();
      body({
        folder,
        files(grants) {
          const files = createGuestFiles(
            { cwd: folder.inside, dirs: [], ownFiles: [], sandbox: false, ...grants },
            () => backend,
          );
          made.push(files);
          return files;
        },
      });
      for (const files of made) files.close();
      if (Deno.build.os === "linux") assert.deepEqual(openBelow(folder.path), []);
    });
  }
}

function failure(code: string, message: string | RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof FileError, String(error));
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    assert.equal(error.code, code);
    return true;
  };
}

contract(
  "reads and writes below the working directory, by relative and absolute path",
  (s) => {
    s.folder.write("inside/sub/a.txt", "hello");
    const files = s.files();
    for (const path of ["sub/a.txt", "./sub/a.txt", "sub//a.txt", "sub/../sub/./a.txt"]) {
      assert.equal(text(files.readFile(path)), "hello", path);
      assert.equal(text(files.readFile(`${s.folder.inside}/${path}`)), "hello", path);
    }
    files.writeFile("new.txt", bytes("1"));
    files.writeFile(`${s.folder.inside}/sub/new.txt`, bytes("2"));
    assert.deepEqual([s.folder.read("inside/new.txt"), s.folder.read("inside/sub/new.txt")], [
      "1",
      "2",
    ]);
  },
);

contract("keeps empty, binary, non-ASCII and 5 MB contents and names", (s) => {
  const files = s.files();
  const large = new Uint8Array(5 * 1024 ** 2).map((_, at) => (at * 7) ^ (at >> 8));
  for (
    const content of [new Uint8Array(0), Uint8Array.of(0, 255, 10, 13, 0), bytes("👋🌍"), large]
  ) {
    for (const name of ["a", "🎃 é ß.txt", "-", "x".repeat(255)]) {
      files.writeFile(name, content);
      assert.ok(
        Deno.readFileSync(`${s.folder.inside}/${name}`).every((byte, at) => byte === content[at]),
      );
      const read = files.readFile(name);
      assert.equal(read.length, content.length);
      assert.ok(read.every((byte, at) => byte === content[at]), name);
    }
  }
});

contract("creates with mode 0644; truncates and keeps the mode of an existing file", (s) => {
  const files = s.files();
  s.folder.write("inside/old", "a long content");
  Deno.chmodSync(s.folder.at("inside/old"), 0o600);
  files.writeFile("new", bytes("n"));
  files.writeFile("old", bytes("short"));
  assert.equal(s.folder.read("inside/old"), "short");
  const mode = (name: string) => (Deno.statSync(s.folder.at(`inside/${name}`)).mode ?? 0) & 0o777;
  assert.deepEqual([mode("new"), mode("old")], [0o644 & ~Deno.umask(), 0o600]);
});

contract("reports missing and irregular files in Go's words", (s) => {
  const files = s.files();
  s.folder.write("inside/file", "");
  Deno.mkdirSync(s.folder.at("inside/folder"));
  assert.throws(
    () => files.readFile("no"),
    failure("ENOENT", "open no: no such file or directory"),
  );
  assert.throws(() => files.readFile(""), failure("ENOENT", "open : no such file or directory"));
  assert.throws(() => files.readFile("folder"), failure("EISDIR", "open folder: is a directory"));
  assert.throws(() => files.readFile("."), failure("EISDIR", "open .: is a directory"));
  assert.throws(() => files.readFile("file/x"), failure("ENOTDIR", "open file/x: not a directory"));
  assert.throws(() => files.readFile("file/"), failure("ENOTDIR", "open file/: not a directory"));
  assert.throws(() => files.readFile("a\0b"), failure("EINVAL", "open a\0b: invalid argument"));
  const long = "x".repeat(256);
  assert.throws(
    () => files.readFile(long),
    failure("ENAMETOOLONG", `open ${long}: file name too long`),
  );
  assert.throws(
    () => files.writeFile("folder", bytes("")),
    failure("EISDIR", "open folder: is a directory"),
  );
  assert.throws(
    () => files.writeFile("no/a", bytes("")),
    failure("ENOENT", "open no/a: no such file or directory"),
  );
  assert.throws(() => files.writeFile("new/", bytes("")), FileError);
  assert.equal(s.folder.exists("inside/new"), false);
});

contract("refuses `..`, absolute paths and links that lead out", (s) => {
  s.folder.write("outside/decoy", "decoy");
  s.folder.write("inside/a", "a");
  Deno.mkdirSync(s.folder.at("inside/sub"));
  s.folder.link("../outside/decoy", "inside/file-link");
  s.folder.link("../outside", "inside/folder-link");
  s.folder.link(s.folder.at("outside/decoy"), "inside/absolute-link");
  s.folder.link(s.folder.at("inside/a"), "inside/absolute-inside");
  s.folder.link("/", "inside/root-link");
  s.folder.link("folder-link/decoy", "inside/two-links");
  s.folder.link("../../outside/new", "inside/sub/new-outside");
  s.folder.link("/proc/self/root", "inside/magic");
  const files = s.files();
  const out = [
    ...[
      "../outside/decoy",
      "sub/../../outside/decoy",
      "../inside/a",
      "..",
      `${s.folder.path}/outside/decoy`,
    ],
    ...["file-link", "folder-link/decoy", "folder-link/new", "absolute-link", "absolute-inside"],
    ...[`root-link${s.folder.path}/outside/decoy`, "two-links", "sub/new-outside"],
    ...[
      `magic${s.folder.path}/outside/decoy`,
      `${s.folder.inside}/../outside/decoy`,
      `${s.folder.inside}2/a`,
    ],
  ];
  for (const path of out) {
    const denied = failure(
      "DENIED",
      /^open .*: refused, as it lies outside the working directory: -dir=/,
    );
    assert.throws(() => files.readFile(path), denied, path);
    assert.throws(() => files.writeFile(path, bytes("!")), denied, path);
  }
  assert.equal(s.folder.read("outside/decoy"), "decoy");
  assert.deepEqual([...Deno.readDirSync(s.folder.at("outside"))].map(({ name }) => name), [
    "decoy",
  ]);
});

contract("follows links that stay inside; dangling ones and loops fail", (s) => {
  s.folder.write("inside/sub/a", "a");
  s.folder.link("sub", "inside/folder");
  s.folder.link("sub/../folder/./a", "inside/file");
  s.folder.link("../file", "inside/sub/up");
  s.folder.link("nothing", "inside/dangling");
  s.folder.link("loop-b", "inside/loop-a");
  s.folder.link("loop-a", "inside/loop-b");
  const files = s.files();
  for (const path of ["folder/a", "file", "folder/up", "folder/../sub/a"]) {
    assert.equal(text(files.readFile(path)), "a", path);
  }
  assert.throws(
    () => files.readFile("dangling"),
    failure("ENOENT", "open dangling: no such file or directory"),
  );
  assert.throws(
    () => files.readFile("loop-a"),
    failure("ELOOP", "open loop-a: too many levels of symbolic links"),
  );
  assert.throws(() => files.writeFile("loop-a/x", bytes("")), failure("ELOOP", /too many levels/));
  files.writeFile("dangling", bytes("made"));
  assert.equal(s.folder.read("inside/nothing"), "made");
  files.writeFile("file", bytes("b"));
  assert.equal(s.folder.read("inside/sub/a"), "b");
});

contract("follows 40 links, not 41", (s) => {
  s.folder.write("inside/0", "end");
  for (let link = 1; link <= 41; link++) s.folder.link(`${link - 1}`, `inside/${link}`);
  const files = s.files();
  assert.equal(text(files.readFile("40")), "end");
  assert.throws(() => files.readFile("41"), failure("ELOOP", /^open 41: too many levels/));
});

contract("-dir: grants a folder by the path as given, on either side of the ::", (s) => {
  s.folder.write("outside/a", "a");
  Deno.mkdirSync(s.folder.at("outside/sub"));
  const host = s.folder.at("outside");
  const read = (dir: { host: string; guest: string }, path: string) =>
    text(s.files({ dirs: [dir] }).readFile(path));
  assert.equal(read({ host, guest: host }, `${host}/a`), "a");
  assert.equal(read({ host: "../outside", guest: "../outside" }, "../outside/a"), "a");
  assert.equal(
    read({ host: "../outside/sub/..", guest: "../outside/sub/.." }, "../outside/sub/../a"),
    "a",
  );
  for (const guest of ["/data", "data", "./data/", "/", "."]) {
    assert.equal(read({ host, guest }, `${guest}/a`), "a", guest);
    assert.equal(read({ host, guest }, `${host}/a`), "a", guest);
  }
  const files = s.files({ dirs: [{ host, guest: "/data" }] });
  files.writeFile("/data/new", bytes("n"));
  assert.equal(s.folder.read("outside/new"), "n");
  assert.throws(() => files.readFile("/data/../inside/x"), failure("DENIED", /^open .*refused/));
  assert.throws(() => files.readFile("/database"), failure("DENIED", /^open \/database: refused/));
});

contract(
  "-dir: the guest's name of a folder beats a folder of that name",
  (s) => {
    const cwd = s.folder.at("inside/a-folder-with-a-long-name");
    s.folder.write("inside/a-folder-with-a-long-name/data/a", "working directory");
    s.folder.write("outside/a", "granted");
    for (const guest of ["data", "./data"]) {
      const files = s.files({ cwd, dirs: [{ host: s.folder.at("outside"), guest }] });
      assert.equal(text(files.readFile("data/a")), "granted");
      assert.equal(text(files.readFile(`${cwd}/data/a`)), "working directory");
    }
    const dirs = [{ host: s.folder.path, guest: "data" }, {
      host: s.folder.at("outside"),
      guest: "data/inside",
    }];
    assert.equal(text(s.files({ dirs }).readFile("data/inside/a")), "granted");
  },
);

contract("-allowRead, -allowWrite: replace all other grants of their operation", (s) => {
  s.folder.write("inside/a", "a");
  s.folder.write("inside/b", "b");
  s.folder.write("outside/sub/c", "c");
  s.folder.link("b", "inside/to-b");
  const files = s.files({
    allowRead: ["a", s.folder.at("outside/sub"), "to-b"],
    allowWrite: ["new", "a"],
  });
  assert.equal(text(files.readFile("a")), "a");
  assert.equal(text(files.readFile(s.folder.at("outside/sub/c"))), "c");
  // A listed link grants its target at the start, under the name in the list.
  assert.equal(text(files.readFile("to-b")), "b");
  assert.throws(
    () => files.readFile("b"),
    failure(
      "DENIED",
      "open b: refused, as -allowRead does not name it: -allowRead=b would allow it",
    ),
  );
  files.writeFile("new", bytes("n"));
  files.writeFile("a", bytes("2"));
  assert.throws(() => files.readFile("new"), failure("DENIED", /-allowRead=new would allow it/));
  assert.throws(
    () => files.writeFile("b", bytes("")),
    failure("DENIED", /-allowWrite=b would allow it/),
  );
  assert.equal(s.folder.read("inside/b"), "b");
  const none = s.files({ allowRead: [], allowWrite: [] });
  assert.throws(() => none.readFile("a"), failure("DENIED", /-allowRead/));
  assert.throws(() => none.writeFile("a", bytes("")), failure("DENIED", /-allowWrite/));
});

contract("does not follow a granted file that was replaced by a link", (s) => {
  s.folder.write("inside/a", "a");
  s.folder.write("inside/secret", "secret");
  const files = s.files({ allowRead: ["a"], allowWrite: ["a"] });
  Deno.removeSync(s.folder.at("inside/a"));
  s.folder.link("secret", "inside/a");
  assert.throws(() => files.readFile("a"), failure("ELOOP", /^open a: /));
  assert.throws(() => files.writeFile("a", bytes("!")), failure("ELOOP", /^open a: /));
  assert.equal(s.folder.read("inside/secret"), "secret");
});

contract("-sandbox: grants nothing, whatever other flags grant", (s) => {
  s.folder.write("inside/a", "a");
  const files = s.files({ sandbox: true, allowRead: ["a"], dirs: [{ host: ".", guest: "." }] });
  assert.throws(
    () => files.readFile("a"),
    failure("DENIED", "open a: refused, as -sandbox grants no files"),
  );
  assert.throws(
    () => files.writeFile("b", bytes("")),
    failure("DENIED", /-sandbox grants no files/),
  );
  assert.equal(s.folder.exists("inside/b"), false);
});

contract("own files: reached by no name", (s) => {
  s.folder.write("inside/hello.wasm", "own");
  s.folder.link("hello.wasm", "inside/link");
  Deno.linkSync(s.folder.at("inside/hello.wasm"), s.folder.at("inside/second-name"));
  const files = s.files({ ownFiles: [s.folder.at("inside/hello.wasm")] });
  for (
    const path of [
      "hello.wasm",
      "./hello.wasm",
      "link",
      "second-name",
      `${s.folder.inside}/hello.wasm`,
    ]
  ) {
    const message = `open ${path}: permission denied: one of the launcher's own files`;
    assert.throws(() => files.readFile(path), failure("EACCES", message), path);
    assert.throws(() => files.writeFile(path, bytes("!")), failure("EACCES", message), path);
  }
  assert.equal(s.folder.read("inside/hello.wasm"), "own");
  files.writeFile("another", bytes("fine"));
  assert.equal(text(files.readFile("another")), "fine");
});

contract("own files: the path of one that does not exist is reserved", (s) => {
  Deno.mkdirSync(s.folder.at("inside/sub"));
  s.folder.link("sub/state.json", "inside/dangling");
  s.folder.link("sub", "inside/folder-link");
  const files = s.files({ ownFiles: [s.folder.at("inside/sub/state.json")] });
  for (const path of ["sub/state.json", "folder-link/state.json", "sub/../sub/state.json"]) {
    assert.throws(
      () => files.writeFile(path, bytes("!")),
      failure("EACCES", /reserved for one/),
      path,
    );
  }
  s.folder.link("../dangling", "inside/sub/two-links");
  for (const path of ["dangling", "folder-link/two-links"]) {
    assert.throws(
      () => files.writeFile(path, bytes("!")),
      failure("EACCES", /reserved for one/),
      path,
    );
  }
  assert.equal(s.folder.exists("inside/sub/state.json"), false);
  s.folder.write("inside/sub/state.json", "state");
  assert.throws(() => files.readFile("sub/state.json"), failure("EACCES", /launcher's own/));
  // The launcher replaces its file: the old one stays out of reach under another name.
  Deno.renameSync(s.folder.at("inside/sub/state.json"), s.folder.at("inside/sub/old"));
  s.folder.write("inside/sub/state.json", "new state");
  assert.throws(() => files.readFile("sub/old"), failure("EACCES", /launcher's own/));
  assert.throws(() => files.readFile("sub/state.json"), failure("EACCES", /launcher's own/));
  // A file that is moved to the path is the launcher's from then on.
  for (const bring of [Deno.renameSync, Deno.linkSync]) {
    s.folder.write("inside/another", "another");
    assert.equal(text(files.readFile("another")), "another");
    Deno.renameSync(
      s.folder.at("inside/sub/state.json"),
      s.folder.at(`inside/sub/old-${bring.name}`),
    );
    bring(s.folder.at("inside/another"), s.folder.at("inside/sub/state.json"));
    assert.throws(() => files.readFile("sub/state.json"), failure("EACCES", /launcher's own/));
  }
  assert.throws(() => files.readFile("another"), failure("EACCES", /launcher's own/));
});

contract(
  "own files: a file that reuses the inode number of one is not one",
  (s) => {
    const files = s.files({ ownFiles: [s.folder.at("inside/data.db-journal")] });
    for (let turn = 0; turn < 20; turn++) {
      s.folder.write("inside/data.db-journal", "journal");
      assert.throws(() => files.readFile("data.db-journal"), failure("EACCES", /launcher's own/));
      const written = writtenMs(s.folder.at("inside/data.db-journal"));
      Deno.removeSync(s.folder.at("inside/data.db-journal"));
      // File times tick every few milliseconds.
      do s.folder.write("outside/tick", ""); while (
        writtenMs(s.folder.at("outside/tick")) === written
      );
      Deno.removeSync(s.folder.at("outside/tick"));
      files.writeFile(`mine-${turn}`, bytes("mine"));
      assert.equal(text(files.readFile(`mine-${turn}`)), "mine");
    }
  },
);

function writtenMs(path: string): number | undefined {
  return Deno.statSync(path).mtime?.getTime();
}

contract("own files: beside one, a file is created through dangling links", (s) => {
  Deno.mkdirSync(s.folder.at("inside/sub"));
  s.folder.link("new", "inside/sub/one");
  s.folder.link("sub", "inside/folder-link");
  s.folder.link("folder-link/../sub/two", "inside/first");
  s.folder.link("../third", "inside/sub/two");
  s.folder.link("loop", "inside/loop");
  s.folder.link("../outside/new", "inside/out");
  s.folder.link(s.folder.at("outside/new"), "inside/absolute");
  const files = s.files({ ownFiles: [s.folder.at("inside/state.json")] });
  files.writeFile("folder-link/one", bytes("1"));
  assert.equal(s.folder.read("inside/sub/new"), "1");
  files.writeFile("first", bytes("2"));
  assert.equal(s.folder.read("inside/third"), "2");
  assert.throws(() => files.writeFile("loop", bytes("!")), failure("ELOOP", /too many levels/));
  assert.throws(() => files.writeFile("out", bytes("!")), failure("DENIED", /outside/));
  assert.throws(() => files.writeFile("absolute", bytes("!")), failure("DENIED", /outside/));
  assert.deepEqual([...Deno.readDirSync(s.folder.at("outside"))], []);
});

contract("refuses named pipes and sockets without waiting for the other end", (s) => {
  new Deno.Command("mkfifo", { args: [s.folder.at("inside/pipe")] }).outputSync();
  const listener = Deno.listen({ transport: "unix", path: s.folder.at("inside/socket") });
  try {
    const files = s.files();
    for (const path of ["pipe", "socket"]) {
      assert.throws(() => files.readFile(path), FileError, path);
      assert.throws(() => files.writeFile(path, bytes("!")), FileError, path);
    }
    assert.throws(
      () => files.readFile("pipe"),
      failure("EACCES", /neither a regular file nor a folder/),
    );
  } finally {
    listener.close();
  }
});

contract("refuses devices", (s) => {
  const made = new Deno.Command("mknod", {
    args: [s.folder.at("inside/null"), "c", "1", "3"],
    stderr: "null",
  });
  if (!made.outputSync().success) return; // Only root may make one.
  assert.throws(() => s.files().readFile("null"), FileError);
  assert.throws(() => s.files().writeFile("null", bytes("")), FileError);
});

contract("refuses a file above the limit before reading it", (s) => {
  s.folder.write("inside/ten", "0123456789");
  assert.equal(text(s.files({ maxReadBytes: 10 }).readFile("ten")), "0123456789");
  assert.throws(
    () => s.files({ maxReadBytes: 9 }).readFile("ten"),
    failure("EFBIG", "read ten: file too large: more than 9 bytes"),
  );
});

contract("opens folders again after close; a removed folder is an error", (s) => {
  s.folder.write("inside/a", "a");
  const files = s.files();
  assert.equal(text(files.readFile("a")), "a");
  files.close();
  assert.equal(text(files.readFile("a")), "a");
  const gone = s.files({ cwd: s.folder.at("nowhere") });
  assert.throws(() => gone.readFile("a"), failure("ENOENT", "open a: no such file or directory"));
});

for (const { name, make } of backends) {
  Deno.test(`guest files (${name}): recognises procfs' view of processes`, () => {
    if (Deno.build.os !== "linux") return;
    using folder = new TemporaryFolder();
    const backend = make();
    const isProcess = (path: string) => {
      const handle = backend.openRoot(path);
      try {
        return backend.isProcess?.(handle, backend.identity(handle));
      } finally {
        backend.close(handle);
      }
    };
    assert.equal(isProcess(`/proc/${Deno.pid}`), true);
    assert.equal(isProcess(folder.path), false);
  });
}
