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
