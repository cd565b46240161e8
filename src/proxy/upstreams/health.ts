/** What is known of an upstream's health. */
export interface Health {
  /** Failures since the last success. */
  readonly fails: number;
  /** When it may be tried again, in ms of the proxy's clock; 0 while it is not left out. */
  readonly outUntilMs: number;
  /** Whether the one request that tries it again is under way. */
  readonly probing: boolean;
  /** What the last check of `-healthPath` said; true where there are no checks. */
  readonly answersChecks: boolean;
}

export interface HealthRules {
  /** So many failures one after the other leave an upstream out; 0: it never is. */
  readonly maxFails: number;
  /** For so long. */
  readonly failTimeoutMs: number;
}

export const healthy: Health = { fails: 0, outUntilMs: 0, probing: false, answersChecks: true };

/** Whether a request should go there: it is not left out, or it is time to try it again and nobody does. */
export function isUsable({ outUntilMs, probing, answersChecks }: Health, nowMs: number): boolean {
  return answersChecks && (outUntilMs === 0 || (nowMs >= outUntilMs && !probing));
}

/** A request goes there. */
export function onSend(health: Health): Health {
  return health.outUntilMs === 0 ? health : { ...health, probing: true };
}

/** It answered, whatever it said. */
export function onAnswer(health: Health): Health {
  return health.fails === 0 && health.outUntilMs === 0
    ? health
    : { ...healthy, answersChecks: health.answersChecks };
}

/** It refused, was too slow, or broke the connection. */
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

/** The request ended without saying anything of the upstream: its client went away. */
export function onAbandoned(health: Health): Health {
  return health.probing ? { ...health, probing: false } : health;
}
