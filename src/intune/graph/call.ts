import type { Directory } from '../../entra/directory/directory.ts';
import type { Tenant } from '../../entra/directory/tenant.ts';
import type { ApiToken } from '../../entra/tokens/api-token.ts';
import type { SigningKeys } from '../../entra/tokens/signing-keys.ts';
import type { Clock } from '../../lib/clock.ts';
import type { RandomSource } from '../../lib/random.ts';
import type { GraphObjects } from './objects.ts';
import type { Segment } from './path.ts';
import type { GraphQuery } from './query.ts';

/** One request, as far as the service looks at it. */
export interface GraphRequest {
  readonly method: string;
  readonly version: 'beta' | 'v1.0';
  /** Below the version, without the query: as it was sent. */
  readonly path: string;
  readonly search: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string | undefined;
  /** Header `If-Match`. */
  readonly ifMatch?: string | undefined;
  /** `https://host:port` by which the caller knows the service. */
  readonly origin: string;
}

export interface GraphAnswer {
  readonly status: number;
  readonly body?: object;
}

/** What the service answers from. */
export interface GraphContext {
  readonly objects: GraphObjects;
  readonly directory: Directory;
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Figures of the gateway, by names of metrics. */
  readonly metrics: () => Readonly<Record<string, number>>;
  /** What the server of this simulator is now, over what is stored of it. */
  readonly liveServer: (id: string) => Readonly<Record<string, unknown>>;
  /** Called when a user or an app makes a change in the directory. */
  readonly onDirectoryChange: (change: {
    readonly set: string;
    readonly change: 'created' | 'changed' | 'removed';
    readonly name: string;
    readonly id: string;
  }) => void;
}

/** A request whose sender is known, and that was read. */
export interface Call {
  readonly method: string;
  readonly version: 'beta' | 'v1.0';
  readonly segments: readonly Segment[];
  readonly query: GraphQuery;
  readonly token: ApiToken;
  readonly tenant: Tenant;
  /** Of the resource, without the query: what links to further pages begin with. */
  readonly address: string;
  /** `https://host:port/beta/$metadata`. */
  readonly metadata: string;
  readonly body: unknown;
  readonly ifMatch: string | undefined;
}
