import type { TunneliteError } from '../../lib/errors.ts';
import type { Timed } from './client-timer.ts';
import { DTLS_RETRY, UNANSWERED_SWITCH_MS } from './constants.ts';
import { endedByGateway } from './cstp-link.ts';
import type { DataPathOwner } from './data-path.ts';
import type { ChannelName, LightClientOptions } from './types.ts';

/** Receives what arrives over the DTLS channel. */
interface PathClient extends Timed {
  received(buffer: Buffer, offset: number, length: number, channel: ChannelName): void;
  pathChanged(up: boolean, why: string): void;
  tunnelEnded(error: TunneliteError, final: boolean): void;
}

/** The client's data that the DTLS channel can access. */
export class PathOwner<Client extends PathClient> implements DataPathOwner {
  readonly #client: Client;
  readonly #options: LightClientOptions<Client>;

  constructor(client: Client, options: LightClientOptions<Client>) {
    this.#client = client;
    this.#options = options;
  }

  get carrier() {
    return this.#options.carrier;
  }

  get random() {
    return this.#options.random;
  }

  get protection() {
    return this.#options.protection;
  }

  get keylog() {
    return this.#options.keylog;
  }

  get unansweredLimit(): number {
    return this.#options.unansweredLimit ?? UNANSWERED_SWITCH_MS;
  }

  get dtlsRetry() {
    return this.#options.dtlsRetry ?? DTLS_RETRY;
  }

  now(): number {
    return this.#options.timer.now();
  }

  wake(at: number): void {
    this.#options.timer.schedule(this.#client, at);
  }

  onBatch(): void {
    this.#options.observer.onBatch?.(this.#client);
  }

  onPacket(buffer: Buffer, offset: number, length: number): void {
    this.#client.received(buffer, offset, length, 'dtls');
  }

  onBatchEnd(): void {
    this.#options.observer.onBatchEnd?.(this.#client);
  }

  onPath(up: boolean, why: string): void {
    this.#client.pathChanged(up, why);
  }

  onDisconnect(buffer: Buffer, offset: number, length: number): void {
    this.#client.tunnelEnded(endedByGateway(buffer, offset, length), true);
  }
}
