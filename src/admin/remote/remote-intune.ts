import type { Requests } from './requests.ts';

/** What an app gets for its user: `Delivery` of the simulator. */
export interface RemoteDelivery {
  readonly user: string;
  readonly app: string;
  readonly platform: 'ios' | 'android';
  readonly settings: Readonly<Record<string, string>>;
  readonly protection: { readonly connectToVpnOnLaunch: boolean } | null;
  readonly policies: readonly { readonly id: string; readonly displayName: string; readonly kind: string }[];
  readonly notes: readonly string[];
}

/** Something that would fail in the field. */
export interface RemoteFinding {
  readonly level: 'error' | 'warning';
  readonly rule: string;
  readonly subject: string;
  readonly message: string;
  readonly fix: string;
}

/** What an app got when it asked last. */
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

/** An object as Graph has it. */
export type RemoteGraphObject = Readonly<Record<string, unknown>>;

/** Sites and policies of an instance in another process. */
export class RemoteIntune {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** What an app gets for its user. @throws TunneliteError `ERR_IDENTITY_NOT_FOUND` */
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

  /** What apps got of late, those that asked last first. */
  async deliveries(): Promise<readonly RemoteDeliveryState[]> {
    return (await this.#requests.json<{ deliveries: RemoteDeliveryState[] }>('/api/intune/deliveries')).deliveries;
  }

  /** One object. @param set the name of Graph's collection @throws TunneliteError `ERR_IDENTITY_NOT_FOUND` */
  object(set: string, id: string): Promise<RemoteGraphObject> {
    return this.#requests.json(pathOf(set, id));
  }

  /** Makes an object out of the body that Graph takes. @throws TunneliteError `ERR_INTUNE_DOCUMENT` */
  create(set: string, body: object): Promise<RemoteGraphObject> {
    return this.#requests.json(pathOf(set), { body });
  }

  /** Changes members of an object. @throws TunneliteError `ERR_INTUNE_DOCUMENT`, `ERR_IDENTITY_NOT_FOUND` */
  change(set: string, id: string, body: object): Promise<RemoteGraphObject> {
    return this.#requests.json(pathOf(set, id), { method: 'PATCH', body });
  }

  /** Removes an object. @throws TunneliteError `ERR_INTUNE_DOCUMENT` where another one needs it; `ERR_IDENTITY_NOT_FOUND` */
  async remove(set: string, id: string): Promise<void> {
    await this.#requests.json(pathOf(set, id), { method: 'DELETE' });
  }

  /** All objects as Graph has them, and what a client needs to know of the instance. */
  export<Facts>(): Promise<{ readonly document: Readonly<Record<string, readonly unknown[]>>; readonly facts: Facts }> {
    return this.#requests.json('/api/intune/export');
  }

  /** Takes objects over, in the place of those with the same ids. @throws TunneliteError `ERR_INTUNE_DOCUMENT` */
  import(document: unknown): Promise<{ readonly created: number; readonly changed: number }> {
    return this.#requests.json('/api/intune/import', { body: document });
  }

  /** What of it all would fail in the field. */
  async lint(): Promise<readonly RemoteFinding[]> {
    return (await this.#requests.json<{ findings: RemoteFinding[] }>('/api/intune/lint')).findings;
  }
}

const pathOf = (...steps: readonly string[]): string =>
  `/api/intune/objects/${steps.map(encodeURIComponent).join('/')}`;
