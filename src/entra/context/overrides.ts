import { TunneliteError } from '../../lib/errors.ts';
import { check, type Static, Type } from '../../lib/schema/index.ts';
import { AADSTS_CODES } from '../errors/aadsts.ts';
import { AadstsError, type AadstsParameters } from '../errors/aadsts-error.ts';
import { policyClaims } from './policy-claims.ts';

/** The endpoint that an override affects. */
const OVERRIDE_ENDPOINTS = ['token', 'authorize', 'devicecode'] as const;
export type OverrideEndpoint = (typeof OVERRIDE_ENDPOINTS)[number];

/** "The next token request of this user or client fails with this code." */
export interface FailNext {
  /** AADSTS number. */
  readonly code: number;
  /** User name or object ID. Default: any user. */
  readonly user?: string;
  /** Client ID. Default: any client. */
  readonly client?: string;
  /** Default `token`. */
  readonly endpoint?: OverrideEndpoint;
  /** Number of requests to fail. Default 1. */
  readonly times?: number;
  /** Replaces the table's `suberror`. */
  readonly suberror?: string;
  /** JSON for `claims`. Default for MFA codes: generated. */
  readonly claims?: string;
}

/** The user and client of the current request. */
export interface Requester {
  readonly user?: { readonly id: string; readonly userPrincipalName: string } | string | undefined;
  readonly client?: string | undefined;
}

/** Schema of an override. */
export const FailureSchema = Type.Object(
  {
    code: Type.Enum(AADSTS_CODES, { noun: 'AADSTS code', description: 'AADSTS number.' }),
    user: Type.Optional(Type.String({ format: 'user', description: 'User name or object id. Default: anyone.' })),
    client: Type.Optional(Type.String({ format: 'guid', description: 'Client id. Default: any.' })),
    endpoint: Type.Enum([...OVERRIDE_ENDPOINTS], {
      noun: 'endpoint to fail at',
      default: 'token',
      description: 'Endpoint at which it fails.',
    }),
    times: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1, description: 'Number of requests to fail.' }),
    suberror: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: "Replaces the table's `suberror`." }),
    ),
    claims: Type.Optional(Type.String({ format: 'text', maxLength: 100_000, description: 'JSON text.' })),
  },
  { additionalProperties: false },
);

type OrderedFailure = Static<typeof FailureSchema>;

interface Armed extends OrderedFailure {
  readonly id: number;
  left: number;
}

const LIMIT = 1000;
const MFA_CODES: readonly number[] = [50072, 50074, 50076, 50078, 50079, 53003];

/** Generated `claims` for an error that requires more from the user: a requested failure has no policy behind it. */
export function claimsFor(code: number): string | undefined {
  return MFA_CODES.includes(code) ? policyClaims(['one-shot override']) : undefined;
}

/** One-shot failures, in the order of creation. */
export class Overrides {
  #armed: Armed[] = [];
  #nextId = 1;

  /** @throws TunneliteError `ERR_IDENTITY_OVERRIDE` for an unknown code or endpoint, or when too many are pending */
  add(request: FailNext): number {
    const failure = check<OrderedFailure>(FailureSchema, request, { what: 'failure', code: 'ERR_IDENTITY_OVERRIDE' });
    if (this.#armed.length >= LIMIT) {
      throw new TunneliteError('ERR_IDENTITY_OVERRIDE', `The limit of ${LIMIT} pending failures is reached.`, {
        hint: 'Clear them first: DELETE /failures, or overrides.clear().',
      });
    }
    const id = this.#nextId++;
    this.#armed.push({ ...failure, id, left: failure.times });
    return id;
  }

  /** The pending overrides. */
  list(): readonly (FailNext & { readonly id: number; readonly left: number })[] {
    return this.#armed.map((armed) => ({ ...armed }));
  }

  remove(id: number): boolean {
    const before = this.#armed.length;
    this.#armed = this.#armed.filter((armed) => armed.id !== id);
    return this.#armed.length < before;
  }

  clear(): void {
    this.#armed = [];
  }

  /** Throws the requested failure for this request, if there is one. */
  strike(endpoint: OverrideEndpoint, requester: Requester, parameters: AadstsParameters = {}): void {
    const armed = this.#armed.find(
      (one) =>
        one.endpoint === endpoint && isFor(one.user, userNames(requester)) && isFor(one.client, [requester.client]),
    );
    if (!armed) return;
    if (--armed.left === 0) this.remove(armed.id);
    throw new AadstsError(armed.code, parameters, {
      ordered: true,
      ...(armed.suberror !== undefined && { suberror: armed.suberror }),
      claims: armed.claims ?? claimsFor(armed.code),
    });
  }
}

function userNames({ user }: Requester): (string | undefined)[] {
  return typeof user === 'object' ? [user.id, user.userPrincipalName] : [user];
}

function isFor(wanted: string | undefined, names: readonly (string | undefined)[]): boolean {
  return wanted === undefined || names.some((name) => name?.toLowerCase() === wanted.toLowerCase());
}
