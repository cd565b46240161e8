import { err, ok, type P2Interface, type P2State } from "./state.ts";

/** `wasi:config/store`: the variables of `-env`. */
export function configInterface({ env }: P2State): P2Interface {
  const variables = new Map(env);
  return {
    functions: {
      // get: func(key: string) -> result<option<string>, error>
      "get": (key: string) => ok(variables.get(key)),
      // get-all: func() -> result<list<tuple<string, string>>, error>
      "get-all": () => ok(env),
    },
  };
}

/** `fermyon:spin/variables@2.0.0`: the variables of `-env`. */
export function spinVariablesInterface({ env }: P2State): P2Interface {
  const variables = new Map(env);
  return {
    functions: {
      // get: func(name: string) -> result<string, error>
      "get": (name: string) => {
        const value = variables.get(name);
        return value === undefined
          ? err({ tag: "undefined", value: `-env does not set ${name}` })
          : ok(value);
      },
    },
  };
}
