import type { Writable } from 'node:stream';
import type { CaptureOptions, CaptureStatus } from '../../capture/index.ts';
import type { Requests } from './requests.ts';

const segment = encodeURIComponent;

/** Captures of an instance in another process. */
export class RemoteCaptures {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /**
   * Starts a capture, in the memory of the instance.
   * @throws TunneliteError `ERR_CAPTURE_LIMIT`, `ERR_CAPTURE_OPTIONS`, `ERR_DURATION_INVALID`
   */
  start(options: CaptureOptions = {}): Promise<CaptureStatus> {
    return this.#requests.json('/api/capture', { body: options });
  }

  async list(): Promise<readonly CaptureStatus[]> {
    return (await this.#requests.json<{ captures: CaptureStatus[] }>('/api/capture')).captures;
  }

  /** @throws TunneliteError `ERR_CAPTURE_UNKNOWN` */
  get(id: string): Promise<CaptureStatus> {
    return this.#requests.json(`/api/capture/${segment(id)}`);
  }

  /** @throws TunneliteError `ERR_CAPTURE_UNKNOWN` */
  stop(id: string): Promise<CaptureStatus> {
    return this.#requests.json(`/api/capture/${segment(id)}/stop`, { body: {} });
  }

  /** @throws TunneliteError `ERR_CAPTURE_UNKNOWN` */
  async remove(id: string): Promise<void> {
    await this.#requests.json(`/api/capture/${segment(id)}`, { method: 'DELETE' });
  }

  /**
   * Writes the capture in memory to `to`, as a file for Wireshark, and ends that stream.
   * @throws TunneliteError `ERR_CAPTURE_UNKNOWN`
   */
  download(id: string, to: Writable): Promise<void> {
    return this.#requests.pipe(`/api/capture/${segment(id)}/download`, new URLSearchParams(), to);
  }

  /**
   * Starts a capture and writes it to `to`, until the signal, a limit, or the end of the instance.
   * @throws TunneliteError as `start`
   */
  stream(
    { session, layers, duration, size }: Omit<CaptureOptions, 'ring'>,
    to: Writable,
    signal?: AbortSignal,
  ): Promise<void> {
    const asked = Object.entries({ session, layers, duration, size }).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(asked.map(([name, value]): [string, string] => [name, String(value)]));
    return this.#requests.pipe('/api/capture/stream', query, to, signal);
  }
}
