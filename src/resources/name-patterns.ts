import { isBelow, isDomainName } from '../lib/domain-name.ts';

/** The names that a rule matches: one name, or all below one (`*.example.com`). Undefined for anything else. */
export interface NamePattern {
  /** In lower case; for a wildcard, the parent name. */
  readonly name: string;
  readonly wildcard: boolean;
}

export function namePattern(match: string): NamePattern | undefined {
  const wildcard = match.startsWith('*.');
  const name = (wildcard ? match.slice(2) : match).toLowerCase();
  return isDomainName(name) ? { name, wildcard } : undefined;
}

/** @param host in lower case */
export function fits({ name, wildcard }: NamePattern, host: string): boolean {
  return wildcard ? host.endsWith(name) && host.at(-name.length - 1) === '.' : host === name;
}

/** Many patterns at once: lookup time depends on the labels of a name, not on the number of patterns. */
export class NamePatterns {
  /** Names of patterns without a wildcard, in order. */
  readonly exact: ReadonlySet<string>;
  /** Parent names of wildcards. */
  readonly parents: ReadonlySet<string>;

  constructor(patterns: readonly NamePattern[]) {
    this.exact = new Set(patterns.filter(({ wildcard }) => !wildcard).map(({ name }) => name));
    this.parents = new Set(patterns.filter(({ wildcard }) => wildcard).map(({ name }) => name));
  }

  /** Whether one of the patterns matches this name, in lower case. */
  has(host: string): boolean {
    return this.exact.has(host) || (isDomainName(host) && isBelow(host, this.parents));
  }
}
