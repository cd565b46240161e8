import { encodeText } from "../base/byte_string.ts";
import { encodeError } from "../abi/guest_strings.ts";
import { carriesPassword } from "../store/settings.ts";
import { refuseInSandbox } from "./backing_service.ts";
import { answering, denied, type HostFamily } from "./host_function.ts";

/** Which environment variables a guest may read with `GetEnv`. */
export interface EnvironmentGrant {
  readonly variables: Readonly<Record<string, string>>;
  /** When given, the whole list of names. */
  readonly allowEnv?: readonly string[];
  readonly sandbox: boolean;
}

/** Whether a variable belongs to the launcher itself: its credentials and every setting of its own. */
export function isLauncherSecret(name: string, value: string): boolean {
  return name.startsWith("CAPSULE_") || carriesPassword(name, value);
}

/** `hostGetEnv`: the launcher's environment, but for its own secrets, which are as if they were not set. */
export function environmentFunctions(grant: EnvironmentGrant): HostFamily {
  const readable = new Map<string, Uint8Array>();
  for (const [name, value] of Object.entries(grant.variables)) {
    if (value && !isLauncherSecret(name, value)) readable.set(name, encodeText(value));
  }
  return (guest) => ({
    now: {
      hostGetEnv: answering(guest, (inputs) => {
        const name = inputs.text(0);
        refuseInSandbox(grant.sandbox, `reading the variable ${name}`);
        if (grant.allowEnv && !grant.allowEnv.includes(name)) {
          throw denied(`reading the variable ${name}`, `-allowEnv=${name}`);
        }
        return readable.get(name) ?? encodeError(`${name} is empty`);
      }),
    },
  });
}
