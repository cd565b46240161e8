import { encodeError } from "../abi/guest_strings.ts";
import { encodeText } from "../base/byte_string.ts";
import { proxyVariables } from "../base/proxies.ts";
import { carriesPassword } from "../store/settings.ts";
import { refuseInSandbox } from "./backing_service.ts";
import { denied, type HostFamily, syncFunction } from "./host_function.ts";

/** Grants environment variables to `GetEnv`. */
export interface EnvironmentGrant {
  readonly variables: Readonly<Record<string, string>>;
  /** The names that may be read; without the list, all that are not secret. */
  readonly allowEnv?: readonly string[];
  readonly sandbox: boolean;
}

/** Reports whether a variable belongs to the launcher: its settings and its credentials. */
export function isLauncherSecret(name: string, value: string): boolean {
  return name.startsWith("CAPSULE_") || carriesPassword(name, value) ||
    (value.includes("@") && proxyVariables.some((each) => each === name.toUpperCase()));
}

/** Creates `hostGetEnv`. The launcher's secrets are reported as unset. */
export function environmentFunctions(grant: EnvironmentGrant): HostFamily {
  const readable = new Map<string, Uint8Array>();
  for (const [name, value] of Object.entries(grant.variables)) {
    if (value && !isLauncherSecret(name, value)) readable.set(name, encodeText(value));
  }
  return (guest) => ({
    sync: {
      hostGetEnv: syncFunction(guest, (inputs) => {
        const name = inputs.text(0, "name");
        refuseInSandbox(grant.sandbox, `reading the variable ${name}`);
        if (grant.allowEnv && !grant.allowEnv.includes(name)) {
          throw denied(`reading the variable ${name}`, `-allowEnv=${name}`);
        }
        return readable.get(name) ?? encodeError(`${name} is empty`);
      }),
    },
  });
}
