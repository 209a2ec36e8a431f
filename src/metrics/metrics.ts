import type { Registry } from 'prom-client';
import { shared } from '../lib/turns.ts';
import { LoopWatch } from './loop-delay.ts';
import type { MetricsSources } from './sources.ts';

/** The metrics in text form, and the media type. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/**
 * The metrics of one simulator, in the Prometheus text format. Everything loads on the first request: until then,
 * only events are counted. Concurrent requests share one response.
 */
export class Metrics {
  readonly #sources: MetricsSources;
  readonly #loop = new LoopWatch();
  #registry: Promise<Registry> | undefined;
  readonly read: () => Promise<MetricsText>;

  constructor(sources: MetricsSources) {
    this.#sources = sources;
    this.read = shared(() => this.#read());
  }

  close(): void {
    this.#loop.stop();
    this.#registry = undefined;
  }

  async #read(): Promise<MetricsText> {
    this.#registry ??= import('./registry.ts').then(({ createRegistry }) => createRegistry(this.#sources, this.#loop));
    const registry = await this.#registry;
    return { contentType: registry.contentType, text: await registry.metrics() };
  }
}
