import type { Requests } from './requests.ts';

/** The policies that an app gets for its user: the simulator's `Delivery`. */
export interface RemoteDelivery {
  readonly user: string;
  readonly app: string;
  readonly platform: 'ios' | 'android';
  readonly settings: Readonly<Record<string, string>>;
  readonly protection: { readonly connectToVpnOnLaunch: boolean } | null;
  readonly policies: readonly { readonly id: string; readonly displayName: string; readonly kind: string }[];
  readonly notes: readonly string[];
}

/** A problem that would fail in production. */
export interface RemoteFinding {
  readonly level: 'error' | 'warning';
  readonly rule: string;
  readonly subject: string;
  readonly message: string;
  readonly fix: string;
}

/** The result of an app's latest request. */
export interface RemoteDeliveryState {
  readonly userId: string;
  readonly user: string;
  readonly app: string;
  readonly platform: 'ios' | 'android';
  readonly enrolled: boolean;
  readonly at: string;
  readonly settings: number;
  readonly policies: readonly string[];
  readonly conflicts: number;
  readonly notes: readonly string[];
  readonly state: 'current' | 'outdated' | 'no user';
}

/** An object in Graph's format. */
export type RemoteGraphObject = Readonly<Record<string, unknown>>;

/** Sites and policies of an instance in another process. */
export class RemoteIntune {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** The policies that an app gets for its user. @throws TunneliteError `ERR_IDENTITY_NOT_FOUND` */
  deliver(to: {
    readonly user: string;
    readonly app: string;
    readonly platform: string;
    readonly enrolled?: boolean;
  }): Promise<RemoteDelivery> {
    const { enrolled = false, ...rest } = to;
    const query = new URLSearchParams({ ...rest, enrolled: String(enrolled) });
    return this.#requests.json('/api/intune/delivery', { query });
  }

  /** Recent deliveries to apps, latest first. */
  async deliveries(): Promise<readonly RemoteDeliveryState[]> {
    return (await this.#requests.json<{ deliveries: RemoteDeliveryState[] }>('/api/intune/deliveries')).deliveries;
  }

  /** Gets one object. @param set name of the Graph collection @throws TunneliteError `ERR_IDENTITY_NOT_FOUND` */
  object(set: string, id: string): Promise<RemoteGraphObject> {
    return this.#requests.json(pathOf(set, id));
  }

  /** Creates an object from a Graph request body. @throws TunneliteError `ERR_INTUNE_DOCUMENT` */
  create(set: string, body: object): Promise<RemoteGraphObject> {
    return this.#requests.json(pathOf(set), { body });
  }

  /** Changes members of an object. @throws TunneliteError `ERR_INTUNE_DOCUMENT`, `ERR_IDENTITY_NOT_FOUND` */
  change(set: string, id: string, body: object): Promise<RemoteGraphObject> {
    return this.#requests.json(pathOf(set, id), { method: 'PATCH', body });
  }

  /** Removes an object. @throws TunneliteError `ERR_INTUNE_DOCUMENT` if another object needs it; `ERR_IDENTITY_NOT_FOUND` */
  async remove(set: string, id: string): Promise<void> {
    await this.#requests.json(pathOf(set, id), { method: 'DELETE' });
  }

  /** All objects in Graph's format, and the instance data that clients need. */
  export<Facts>(): Promise<{ readonly document: Readonly<Record<string, readonly unknown[]>>; readonly facts: Facts }> {
    return this.#requests.json('/api/intune/export');
  }

  /** Imports objects, replacing those with the same IDs. @throws TunneliteError `ERR_INTUNE_DOCUMENT` */
  import(document: unknown): Promise<{ readonly created: number; readonly changed: number }> {
    return this.#requests.json('/api/intune/import', { body: document });
  }

  /** Problems of the current objects that would fail in production. */
  async lint(): Promise<readonly RemoteFinding[]> {
    return (await this.#requests.json<{ findings: RemoteFinding[] }>('/api/intune/lint')).findings;
  }
}

const pathOf = (...steps: readonly string[]): string =>
  `/api/intune/objects/${steps.map(encodeURIComponent).join('/')}`;
