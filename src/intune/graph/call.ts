import type { Directory } from '../../entra/directory/directory.ts';
import type { Tenant } from '../../entra/directory/tenant.ts';
import type { ApiToken } from '../../entra/tokens/api-token.ts';
import type { SigningKeys } from '../../entra/tokens/signing-keys.ts';
import type { Clock } from '../../lib/clock.ts';
import type { RandomSource } from '../../lib/random.ts';
import type { GraphObjects } from './objects.ts';
import type { Segment } from './path.ts';
import type { GraphQuery } from './query.ts';

/** One request, reduced to the parts that the service uses. */
export interface GraphRequest {
  readonly method: string;
  readonly version: 'beta' | 'v1.0';
  /** Path below the version, without the query, as sent. */
  readonly path: string;
  readonly search: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string | undefined;
  /** Header `If-Match`. */
  readonly ifMatch?: string | undefined;
  /** `https://host:port` of the service in the request. */
  readonly origin: string;
}

export interface GraphAnswer {
  readonly status: number;
  readonly body?: object;
}

/** Data and dependencies of the service. */
export interface GraphContext {
  readonly objects: GraphObjects;
  readonly directory: Directory;
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Values of the gateway, by metric name. */
  readonly metrics: () => Readonly<Record<string, number>>;
  /** Current members of this simulator's server; they override the stored ones. */
  readonly liveServer: (id: string) => Readonly<Record<string, unknown>>;
  /** Called when a user or an app changes the directory. */
  readonly onDirectoryChange: (change: {
    readonly set: string;
    readonly change: 'created' | 'changed' | 'removed';
    readonly name: string;
    readonly id: string;
  }) => void;
}

/** An authenticated and parsed request. */
export interface Call {
  readonly method: string;
  readonly version: 'beta' | 'v1.0';
  readonly segments: readonly Segment[];
  readonly query: GraphQuery;
  readonly token: ApiToken;
  readonly tenant: Tenant;
  /** URL of the resource, without the query: the start of next-page links. */
  readonly address: string;
  /** `https://host:port/beta/$metadata`. */
  readonly metadata: string;
  readonly body: unknown;
  readonly ifMatch: string | undefined;
}
