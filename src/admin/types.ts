import type { FastifyPluginAsync } from 'fastify';

/** One thing that readiness depends on. */
export interface HealthResult {
  readonly name: string;
  readonly ok: boolean;
  /** A sentence: what works, or what does not and why. */
  readonly explanation: string;
}

/** Looks at everything that a client needs. Called for each `/readyz`. */
export type HealthCheck = () => Promise<readonly HealthResult[]>;

/** A part of the administration interface. */
export interface AdminRoutes {
  /** Such as `/api/sessions`. */
  readonly prefix: string;
  readonly plugin: FastifyPluginAsync;
}
