/** An i32 parameter of a host function, named as in the contract. */
export type Parameter = `${string}_ptr` | `${string}_len` | "result_ptr_out" | "result_len_out";

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
      hostLogString: strings("message"),
      hostGetHostInformation: result,
      hostPing: [...strings("message"), ...result],
      hostReadFile: [...strings("path"), ...result],
      hostWriteFile: [...strings("path", "content"), ...result],
      hostGetEnv: [...strings("name"), ...result],
      hostHttp: [...strings("url", "method", "headers", "body"), ...result],
      hostRedisSet: [...strings("key", "value"), ...result],
      hostRedisGet: [...strings("key"), ...result],
      hostCouchBaseQuery: [...strings("statement"), ...result],
    },
    capsule: {
      redisDel: [...strings("key"), ...result],
      redisKeys: [...strings("pattern"), ...result],
      redisIncr: [...strings("key"), ...result],
      redisExpire: [...strings("key", "seconds"), ...result],
    },
  };

function strings(...names: string[]): Parameter[] {
  return names.flatMap((name): Parameter[] => [`${name}_ptr`, `${name}_len`]);
}
