import type { Registry } from 'prom-client';
import { shared } from '../lib/turns.ts';
import { LoopWatch } from './loop-delay.ts';
import type { MetricsSources } from './sources.ts';

/** The metrics as text, and its media type. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/**
 * The metrics of one simulator, in the text format of Prometheus. Everything is loaded and made when somebody first asks: until then
 * events are counted, and nothing else. Those who ask at once share one answer.
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
