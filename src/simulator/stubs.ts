import {
  type Config,
  checkStub,
  hasStubs,
  MAX_EXPRESSIONS,
  MAX_STUB_BYTES,
  type StubInput,
  stubBytes,
} from '../config/index.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { OnPremises, StubEntry } from '../services/index.ts';
import type { Emit } from '../telemetry/events.ts';

/** A stub: your own answer to a request in the mock network. */
export interface StubInfo {
  /** `s1`, `s2` and so on. */
  readonly id: string;
  /** The host name in the request; null = any name of the stub host. */
  readonly host: string | null;
  /** null = any. */
  readonly method: string | null;
  readonly path: string | null;
  readonly expression: string | null;
  readonly status: number;
  /** Number of answers given in sequence; 0 = always the same. */
  readonly sequence: number;
  readonly source: 'configuration' | 'added';
  /** Requests answered since the start or the last reset. */
  readonly hits: number;
}

/**
 * Your own answers in the mock network, which can be added and removed while the simulator runs; sessions continue.
 *
 * @example
 * ```ts
 * const { id } = sim.stubs.add({ host: 'orders.contoso.internal', path: '/orders/:id', json: { state: 'sent' } });
 * sim.stubs.get(id).hits;
 * ```
 */
export class StubControls {
  readonly #onPremises: OnPremises;
  readonly #emit: Emit;
  #hosts: Config['services']['hosts'];

  /** @internal */
  constructor(parts: { readonly config: Config; readonly onPremises: OnPremises; readonly emit: Emit }) {
    this.#onPremises = parts.onPremises;
    this.#emit = parts.emit;
    this.#hosts = parts.config.services.hosts;
  }

  /** In the order in which they are tried. */
  list(): readonly StubInfo[] {
    return this.#onPremises.stubs.list().map(info);
  }

  /** @throws TunneliteError `ERR_STUB_UNKNOWN` */
  get(id: string): StubInfo {
    const found = this.#onPremises.stubs.list().find((one) => one.id === id);
    if (found === undefined) throw unknown(id);
    return info(found);
  }

  /**
   * Adds a stub before all others, until it is removed or the simulator is reset. A name gets the stub host's address immediately.
   * @param input as under `services.stubs` in a configuration
   * @throws TunneliteError `ERR_STUB_INVALID`
   */
  add(input: StubInput): StubInfo {
    const { stubs } = this.#onPremises;
    const stub = checkStub(input);
    const name = stub.host?.toLowerCase();
    const other = this.#hosts.find(
      ({ names, tcp }) => !hasStubs(tcp) && names.some((one) => one.toLowerCase() === name),
    );
    if (other)
      throw new TunneliteError('ERR_STUB_INVALID', `host: ${stub.host} is another mock host.`, {
        hint: 'Choose another name.',
      });
    const all = stubs.list().map(({ rule }) => rule as typeof stub);
    if (stub.expression !== null && all.filter(({ expression }) => expression !== null).length >= MAX_EXPRESSIONS) {
      throw new TunneliteError(
        'ERR_STUB_INVALID',
        `The limit of ${MAX_EXPRESSIONS} stubs with an expression is reached.`,
        {
          hint: 'Use paths with :name and *.',
        },
      );
    }
    if (all.reduce((sum, one) => sum + stubBytes(one), stubBytes(stub)) > MAX_STUB_BYTES) {
      throw new TunneliteError(
        'ERR_STUB_INVALID',
        `The bodies of all stubs would have more than ${MAX_STUB_BYTES} bytes.`,
      );
    }
    const added = info(stubs.add(stub));
    if (stub.host !== null) this.#onPremises.stubsChanged();
    const { id, method, host, path, expression } = added;
    this.#emit('stub.added', { stub: id, method: method ?? '*', host: host ?? '*', path: path ?? expression ?? '/*' });
    return added;
  }

  /**
   * Removes a stub. A stub of the configuration returns with a reset.
   * @returns how many requests it answered
   * @throws TunneliteError `ERR_STUB_UNKNOWN`
   */
  remove(id: string): { readonly hits: number } {
    const removed = this.#onPremises.stubs.remove(id);
    if (removed === undefined) throw unknown(id);
    const { hits } = removed;
    this.#emit('stub.removed', { stub: id, hits });
    return { hits };
  }

  /** @internal Another configuration is in force. */
  configure(): void {
    this.#onPremises.stubsChanged();
  }
}

const unknown = (id: string): TunneliteError =>
  new TunneliteError('ERR_STUB_UNKNOWN', `There is no stub ${JSON.stringify(id)}.`, { details: { id } });

function info({ id, rule, added, hits }: StubEntry): StubInfo {
  const { host, method, path, expression, status, sequence } = rule;
  return {
    ...{ id, host, method, path, expression, status },
    sequence: sequence.length,
    source: added ? 'added' : 'configuration',
    hits,
  };
}
