import { modeNames } from "../../src/options/modes.ts";

const every = modeNames.join(", ");

/** Invalid command lines: the arguments, the message, and the environment if that is at fault. */
export const badCommandLines: readonly (readonly [string[], string, Record<string, string>?])[] = [
  [["-htpPort=1"], "unknown flag -htpPort: did you mean -httpPort?"],
  [["-http-port=1"], "unknown flag -http-port: did you mean -httpPort?"],
  [["-port=1"], "unknown flag -port: did you mean -httpPort?"],
  [
    ["-adress=1"],
    "unknown flag -adress: -help lists the flags; put -- before arguments that begin with a dash",
  ],
  [
    ["-zzz"],
    "unknown flag -zzz: -help lists the flags; put -- before arguments that begin with a dash",
  ],
  [
    ["-5"],
    "unknown flag -5: -help lists the flags; put -- before arguments that begin with a dash",
  ],
  [
    ["-mode=cli", "-5"],
    "unknown flag -5: -help lists the flags; put -- before arguments that begin with a dash",
  ],
  [["-memory=1"], "unknown flag -memory: did you mean -maxMemory?"],
  [["-MODE=cli"], "unknown flag -MODE: did you mean -mode?"],
  [
    ["-=x"],
    'unknown flag "-": -help lists the flags; put -- before arguments that begin with a dash',
  ],
  [["---mode=cli"], "unknown flag ---mode: did you mean -mode?"],
  [
    ["-a b"],
    'unknown flag "-a b": -help lists the flags; put -- before arguments that begin with a dash',
  ],
  [
    ["-constructor"],
    "unknown flag -constructor: -help lists the flags; put -- before arguments that begin with a dash",
  ],
  [
    ["-__proto__=1"],
    "unknown flag -__proto__: -help lists the flags; put -- before arguments that begin with a dash",
  ],
  [
    ["-tls-key=s3cret"],
    "unknown flag -tls-key: -help lists the flags; put -- before arguments that begin with a dash",
  ],
  [
    ["-\u001b[31m"],
    'unknown flag "-\\u001b[31m": -help lists the flags; put -- before arguments that begin with a dash',
  ],
  [
    [`-${"x".repeat(1000)}`],
    'unknown flag "-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…": -help lists the flags; put -- before arguments that begin with a dash',
  ],
  [["-wsam", "x"], "unknown flag -wsam: did you mean -wasm?"],
  [["-httpport", "x"], "unknown flag -httpport: did you mean -httpPort?"],
  [["-sandbx"], "unknown flag -sandbx: did you mean -sandbox?"],
  [["-verion"], "unknown flag -verion: did you mean -version?"],
  [["-timout=3s"], "unknown flag -timout: did you mean -timeout?"],
  [["-mode=htp"], `-mode must be one of ${every}: got "htp" (did you mean "http"?)`],
  [["-mode=banana"], `-mode must be one of ${every}: got "banana"`],
  [["-mode="], `-mode must be one of ${every}: got ""`],
  [["-mode"], `-mode needs a value: -mode=${modeNames.join("|")}`],
  [["-mode", "--"], `-mode needs a value: -mode=${modeNames.join("|")}`],
  [["-wasm"], "-wasm needs a value: -wasm=PATH"],
  [
    ["-wasm", "-mode=cli"],
    "-wasm needs a value: -wasm=PATH; -mode after it is a flag (use = if it is meant as the value)",
  ],
  [["-wasm="], '-wasm must be a path that is not empty: got ""'],
  [["-wasm", ""], '-wasm must be a path that is not empty: got ""'],
  [["-httpPort=99999"], '-httpPort must be a whole number from 0 to 65535: got "99999"'],
  [["-httpPort=-1"], '-httpPort must be a whole number from 0 to 65535: got "-1"'],
  [["-httpPort", "-1"], '-httpPort must be a whole number from 0 to 65535: got "-1"'],
  [["-httpPort=80.5"], '-httpPort must be a whole number from 0 to 65535: got "80.5"'],
  [["-httpPort=0x50"], '-httpPort must be a whole number from 0 to 65535: got "0x50"'],
  [["-httpPort="], '-httpPort must be a whole number from 0 to 65535: got ""'],
  [["-httpPort= 80"], '-httpPort must be a whole number from 0 to 65535: got " 80"'],
  [["-log=yaml"], '-log must be one of text, json: got "yaml"'],
  [
    ["-maxBody=10MB"],
    '-maxBody must be a size: bytes, or a number with KiB, MiB or GiB: got "10MB"',
  ],
  [["-maxBody=-1"], '-maxBody must be a size: bytes, or a number with KiB, MiB or GiB: got "-1"'],
  [
    ["-maxMemory=1KiB"],
    '-maxMemory must be a size from 64KiB to 4GiB: bytes, or a number with KiB, MiB or GiB: got "1KiB"',
  ],
  [
    ["-maxMemory=5GiB"],
    '-maxMemory must be a size from 64KiB to 4GiB: bytes, or a number with KiB, MiB or GiB: got "5GiB"',
  ],
  [
    ["-timeout=30"],
    '-timeout must be a duration such as 500ms, 30s or 2m, or 0 for no limit, and at most 596h: got "30"',
  ],
  [
    ["-timeout=1000h"],
    '-timeout must be a duration such as 500ms, 30s or 2m, or 0 for no limit, and at most 596h: got "1000h"',
  ],
  [
    ["-timeout=-1s"],
    '-timeout must be a duration such as 500ms, 30s or 2m, or 0 for no limit, and at most 596h: got "-1s"',
  ],
  [
    ["-slice=0"],
    '-slice must be a duration such as 500ms, 30s or 2m, above 0, and at most 596h: got "0"',
  ],
  [["-threads=0"], '-threads must be a whole number from 1 to 1024: got "0"'],
  [["-threads=many"], '-threads must be a whole number from 1 to 1024: got "many"'],
  [["-maxInstances=0"], '-maxInstances must be a whole number of at least 1: got "0"'],
  [["-maxQueue=-1"], '-maxQueue must be a whole number of at least 0: got "-1"'],
  [["-sandbox=maybe"], '-sandbox must be true or false (or 1, t, 0, f): got "maybe"'],
  [["-sandbox="], '-sandbox must be true or false (or 1, t, 0, f): got ""'],
  [
    ["-sandbox", "false"],
    'unexpected argument "false": -mode=http takes flags only; a flag without a value is true, and -flag=false is false',
  ],
  [["-reuse=yes"], '-reuse must be true or false (or 1, t, 0, f): got "yes"'],
  [["-help=perhaps"], '-help must be true or false (or 1, t, 0, f): got "perhaps"'],
  [["-version=2"], '-version must be true or false (or 1, t, 0, f): got "2"'],
  [["-sha256=abc", "-wasm=x"], '-sha256 must be 64 hexadecimal digits: got "abc"'],
  [
    ["-url=hello.wasm", "-wasm=x"],
    '-url must be a URL that begins with http:// or https:// or oci:// or file://: got "hello.wasm"',
  ],
  [
    ["-url=ftp://x/y", "-wasm=x"],
    '-url must be a URL that begins with http:// or https:// or oci:// or file://: got "ftp://x/y"',
  ],
  [
    ["-url=http://", "-wasm=x"],
    '-url must be a URL that begins with http:// or https:// or oci:// or file://: got "http://"',
  ],
  [["-crt=a.pem"], "-crt also needs -key=PATH"],
  [["-key=a.pem"], "-key also needs -crt=PATH"],
  [["-dir="], '-dir must be host or host::guest: got ""'],
  [["-dir=a::"], '-dir must be host or host::guest: got "a::"'],
  [["-dir=::b"], '-dir must be host or host::guest: got "::b"'],
  [["-dir=a::b::c"], '-dir must be host or host::guest: got "a::b::c"'],
  [["-env="], '-env must be KEY=value or NAME: got ""'],
  [["-env==x"], '-env must be KEY=value or NAME: got "=x"'],
  [
    ["-allowNet=a,,b"],
    '-allowNet must be a list separated by commas, without empty items or spaces around an item: got "a,,b"',
  ],
  [
    ["-allowNet=a, b"],
    '-allowNet must be a list separated by commas, without empty items or spaces around an item: got "a, b"',
  ],
  [["-mode=cli", "-threads=2"], "-threads does nothing with -mode=cli: it belongs to -mode=http"],
  [["-mode=cli", "-reuse"], "-reuse does nothing with -mode=cli: it belongs to -mode=http"],
  [
    ["hello"],
    'unexpected argument "hello": -mode=http takes flags only; -mode=cli passes arguments to the function, and a program\'s arguments follow --',
  ],
  [
    [""],
    'unexpected argument "": -mode=http takes flags only; -mode=cli passes arguments to the function, and a program\'s arguments follow --',
  ],
  [
    ["./hello.wasm"],
    'unexpected argument "./hello.wasm": -mode=http takes flags only; did you mean -wasm=./hello.wasm?',
  ],
  [
    ["x", "--", "y"],
    'unexpected argument "x": -mode=http takes flags only; -mode=cli passes arguments to the function, and a program\'s arguments follow --',
  ],
  [
    ["--", "-mode=registry", "--", "x"],
    'unexpected argument "x": -mode=registry takes flags only; -mode=cli passes arguments to the function',
  ],
  [[], 'CAPSULE_HTTP_PORT must be a whole number from 0 to 65535: got "x"', {
    "CAPSULE_HTTP_PORT": "x",
  }],
  [[], `CAPSULE_MODE must be one of ${every}: got "htp" (did you mean "http"?)`, {
    "CAPSULE_MODE": "htp",
  }],
  [[], 'CAPSULE_SANDBOX must be true or false (or 1, t, 0, f): got "maybe"', {
    "CAPSULE_SANDBOX": "maybe",
  }],
  [[], 'CAPSULE_DIR must be host or host::guest: got "::b"', { "CAPSULE_DIR": "a\n::b" }],
  [["-readToken=r", "-mode=registry"], "-readToken also needs -adminToken=TOKEN"],
  [
    ["-mode=pull"],
    "-mode=pull needs -url=URL: The source of the module, with -mode=push its destination: http:, https:, file: or oci://host/repository:tag",
  ],
  [
    ["-mode=push", "-url=oci://localhost:5000/a"],
    "-mode=push needs -wasm=PATH: The WebAssembly module",
  ],
  [[], "CAPSULE_CRT also needs -key=PATH", { "CAPSULE_CRT": "x" }],
  [["-wasm=a\nb", "-threads=a\nb"], '-threads must be a whole number from 1 to 1024: got "a\\nb"'],
  [["-log=\u009b31m"], '-log must be one of text, json: got "\\u009b31m"'],
];
