import { ownString } from '../../lib/own-string.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { MAX_PARAMETER_LENGTH, MAX_PARAMETERS } from './constants.ts';

/**
 * Request parameters: each name once, limited in size, stored without a prototype. Values are copied strings: a stored
 * nonce or client name must not keep the whole form, which may contain a password, in memory.
 */
export class Parameters {
  readonly #values: ReadonlyMap<string, string>;

  private constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  /**
   * Parses a query string or form body.
   *
   * @throws AadstsError 90100 when a parameter is repeated (RFC 6749 §3.1, §3.2), 9002313 when there are too many or too long ones
   */
  static parse(text: string): Parameters {
    const values = new Map<string, string>();
    for (const [name, value] of new URLSearchParams(text)) {
      if (values.has(name)) throw new AadstsError(90100, { field: name });
      if (values.size >= MAX_PARAMETERS || value.length > MAX_PARAMETER_LENGTH) throw new AadstsError(9002313);
      values.set(name, ownString(value));
    }
    return new Parameters(values);
  }

  /** The query string of a request target. */
  static ofUrl(url: string): Parameters {
    const at = url.indexOf('?');
    return Parameters.parse(at < 0 ? '' : url.slice(at + 1));
  }

  /** The value, or undefined when it is absent or empty (RFC 6749 §3.1: an empty parameter counts as omitted). */
  get(name: string): string | undefined {
    return this.#values.get(name) || undefined;
  }

  /** @throws AadstsError 900144 */
  require(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw new AadstsError(900144, { field: name });
    return value;
  }
}
