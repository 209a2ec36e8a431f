import type { FastifyPluginAsync } from 'fastify';

/** One readiness check. */
export interface HealthResult {
  readonly name: string;
  readonly ok: boolean;
  /** A sentence: what works, or what fails and why. */
  readonly explanation: string;
}

/** Checks everything that a client needs. Called for each `/readyz`. */
export type HealthCheck = () => Promise<readonly HealthResult[]>;

/** A part of the administration API. */
export interface AdminRoutes {
  /** Such as `/api/sessions`. */
  readonly prefix: string;
  readonly plugin: FastifyPluginAsync;
}
