import type { FailNext, Outage } from '../../entra/index.ts';
import type { Requests } from './requests.ts';

const segment = encodeURIComponent;

/** A user of the directory, with the members that lists show. */
export interface DirectoryUser {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly displayName?: string;
  readonly type?: string;
  readonly enabled?: boolean;
  readonly locked?: boolean;
  readonly mfa?: string;
  readonly passwordExpired?: boolean;
}

/** A requested failure that is pending; `left`: how many requests it still affects. */
export type OrderedFailure = FailNext & { readonly id: number; readonly left: number };

/** The built-in Entra ID of an instance in another process. */
export class RemoteIdentity {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Tenants of the directory; the first is the default. */
  tenants(): Promise<readonly { readonly id: string; readonly domain: string }[]> {
    return this.#requests.json('/api/directory/tenants');
  }

  /** Users of a tenant, by tenant ID. Default: the first tenant. */
  async users(tenant?: string): Promise<readonly DirectoryUser[]> {
    return this.#requests.json(`${await this.#tenantPath(tenant)}/users`);
  }

  /** Ends every sign-in of a user, by user name or object ID: refresh fails with 50173. */
  async revokeSessions(user: string, tenant?: string): Promise<void> {
    const path = `${await this.#tenantPath(tenant)}/users/${segment(user)}/revoke-sessions`;
    await this.#requests.json(path, { body: {} });
  }

  /** Requested failures that are pending. */
  failures(): Promise<readonly OrderedFailure[]> {
    return this.#requests.json('/api/failures');
  }

  /** Endpoints that can be disturbed, and those that currently are. */
  outages(): Promise<{ readonly endpoints: readonly string[]; readonly active: Readonly<Record<string, Outage>> }> {
    return this.#requests.json('/api/outages');
  }

  async #tenantPath(tenant?: string): Promise<string> {
    return `/api/directory/tenants/${segment(tenant ?? (await this.tenants())[0]!.id)}`;
  }

  /** Makes future requests fail; returns an ID for `forgetFailure`. */
  async failNext(request: FailNext): Promise<number> {
    return (await this.#requests.json<{ id: number }>('/api/failures', { body: request })).id;
  }

  async forgetFailure(id: number): Promise<void> {
    await this.#requests.json(`/api/failures/${id}`, { method: 'DELETE' });
  }

  async forgetFailures(): Promise<void> {
    await this.#requests.json('/api/failures', { method: 'DELETE' });
  }

  /** Disturbs an endpoint until it is restored. */
  async disturb(endpoint: string, outage: Outage): Promise<void> {
    await this.#requests.json(`/api/outages/${segment(endpoint)}`, { method: 'PUT', body: outage });
  }

  async restore(endpoint: string): Promise<void> {
    await this.#requests.json(`/api/outages/${segment(endpoint)}`, { method: 'DELETE' });
  }

  /** Changes members of a user, by user name or object ID; null removes one. */
  async updateUser(user: string, changes: Readonly<Record<string, unknown>>, tenant?: string): Promise<void> {
    const path = `${await this.#tenantPath(tenant)}/users/${segment(user)}`;
    await this.#requests.json(path, { method: 'PATCH', body: changes });
  }

  async rotateKeys({ emergency = false } = {}): Promise<string> {
    const path = `/api/directory/keys/${emergency ? 'emergency-rotate' : 'rotate'}`;
    return (await this.#requests.json<{ kid: string }>(path, { body: {} })).kid;
  }
}
