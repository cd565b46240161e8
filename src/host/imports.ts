/** An i32 parameter of a host function: half of an input, or a cell of the result. */
export type Parameter =
  | `${InputName}_ptr`
  | `${InputName}_len`
  | "result_ptr_out"
  | "result_len_out";

/** An input of a host function. */
export type InputName = keyof typeof maxInputBytes;

/**
 * The largest inputs in bytes. Without them a guest could block the thread beyond its deadline, or
 * exhaust the launcher's memory, with one call.
 */
export const maxInputBytes = {
  message: 1024 ** 2,
  path: 4096,
  content: Infinity,
  name: 32 * 1024,
  url: 64 * 1024,
  method: 256,
  headers: 256 * 1024,
  body: Infinity,
  key: 1024 ** 2,
  value: 32 * 1024 ** 2,
  pattern: 64 * 1024,
  seconds: 64,
  statement: 16 * 1024 ** 2,
} as const;

/** The two cells that receive a result's pointer and length. */
const result = ["result_ptr_out", "result_len_out"] as const;

/**
 * All host functions by import module, with their parameters: a pointer and a length for each
 * input, then the cells of the result. None has a WebAssembly result.
 *
 * `hostGetEnv("A")` with the name at 8 and the cells at 16 and 20 is `(8, 1, 16, 20)`.
 */
export const hostImports: Readonly<Record<string, Readonly<Record<string, readonly Parameter[]>>>> =
  {
    env: {
      hostLogString: inputs("message"),
      hostGetHostInformation: result,
      hostPing: [...inputs("message"), ...result],
      hostReadFile: [...inputs("path"), ...result],
      hostWriteFile: [...inputs("path", "content"), ...result],
      hostGetEnv: [...inputs("name"), ...result],
      hostHttp: [...inputs("url", "method", "headers", "body"), ...result],
      hostRedisSet: [...inputs("key", "value"), ...result],
      hostRedisGet: [...inputs("key"), ...result],
      hostCouchBaseQuery: [...inputs("statement"), ...result],
    },
    capsule: {
      redisDel: [...inputs("key"), ...result],
      redisKeys: [...inputs("pattern"), ...result],
      redisIncr: [...inputs("key"), ...result],
      redisExpire: [...inputs("key", "seconds"), ...result],
    },
  };

function inputs(...names: InputName[]): Parameter[] {
  return names.flatMap((name): Parameter[] => [`${name}_ptr`, `${name}_len`]);
}
