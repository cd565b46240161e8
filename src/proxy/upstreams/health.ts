/** The health of an upstream: passive, from its responses, and active, from its checks. */
export interface Health {
  /** Failures since the last success. */
  readonly fails: number;
  /** When it may be tried again, in ms of the proxy's clock; 0 while it is not ejected. */
  readonly outUntilMs: number;
  /** True while the one request that tries an ejected upstream again is under way. */
  readonly probing: boolean;
  /** The result of the last check of `-healthPath`; true without checks. */
  readonly passesChecks: boolean;
}

/** The rules of passive health checks. */
export interface HealthRules {
  /** The number of consecutive failures that eject an upstream; 0: never. */
  readonly maxFails: number;
  /** The time for which it is ejected. */
  readonly failTimeoutMs: number;
}

/** The health of a new upstream. */
export const healthy: Health = { fails: 0, outUntilMs: 0, probing: false, passesChecks: true };

/** Reports whether the upstream takes requests: not ejected, or due for a trial without another. */
export function isUsable({ outUntilMs, probing, passesChecks }: Health, nowMs: number): boolean {
  return passesChecks && (outUntilMs === 0 || (nowMs >= outUntilMs && !probing));
}

/** A request is sent. */
export function onSend(health: Health): Health {
  return health.outUntilMs === 0 ? health : { ...health, probing: true };
}

/** A response came, of any status. */
export function onAnswer(health: Health): Health {
  return health.fails === 0 && health.outUntilMs === 0
    ? health
    : { ...healthy, passesChecks: health.passesChecks };
}

/** The connection was refused, late or broken. */
export function onFailure(
  health: Health,
  nowMs: number,
  { maxFails, failTimeoutMs }: HealthRules,
): Health {
  const fails = health.fails + 1;
  const out = maxFails > 0 && fails >= maxFails;
  return {
    ...health,
    fails,
    probing: false,
    outUntilMs: out ? nowMs + failTimeoutMs : health.outUntilMs,
  };
}

/** The request ended without a sign of health: its client left. */
export function onAbandoned(health: Health): Health {
  return health.probing ? { ...health, probing: false } : health;
}
