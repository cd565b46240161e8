import { encodeError } from "../abi/errors.ts";
import { carriesPassword } from "../store/settings.ts";
import { refuseInSandbox } from "./backing_service.ts";
import { answering, denied, type HostFamily } from "./host_function.ts";

/** Which environment variables a guest may read with `GetEnv`. */
export interface EnvironmentGrant {
  readonly get: (name: string) => string | undefined;
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
  return (guest) => ({
    now: {
      hostGetEnv: answering(guest, (inputs) => {
        const name = inputs.text(0);
        refuseInSandbox(grant.sandbox, `reading the variable ${name}`);
        if (grant.allowEnv && !grant.allowEnv.includes(name)) {
          throw denied(`reading the variable ${name}`, `-allowEnv=${name}`);
        }
        const value = isReadable(name) ? grant.get(name) : undefined;
        if (!value || isLauncherSecret(name, value)) return encodeError(`${name} is empty`);
        return value;
      }),
    },
  });
}

/** Names that no environment can hold are never set. */
function isReadable(name: string): boolean {
  return name !== "" && !name.includes("=") && !name.includes("\0");
}
