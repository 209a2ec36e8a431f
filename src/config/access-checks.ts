import type { Contradiction } from './contradiction.ts';
import type { Config } from './schema.ts';

type Access = Config['resources']['access'];
type Rule = Access['rules'][number];

/** Checks the access rules: whether each makes sense, and is reachable. */
export function checkAccess(access: Pick<Access, 'rules'>, problems: Contradiction[], warnings: string[]): void {
  const names = new Map<string, number>();
  let all: number | undefined;
  for (const [i, rule] of access.rules.entries()) {
    const at = ['resources', 'access', 'rules', i];
    if (rule.name !== undefined) {
      const other = names.get(rule.name);
      if (other !== undefined) {
        problems.push({
          path: [...at, 'name'],
          against: ['resources', 'access', 'rules', other, 'name'],
          message: `there are two rules ${rule.name}`,
          hint: 'Choose another name.',
        });
      }
      names.set(rule.name, i);
    }
    if (rule.ports.length > 0 && rule.protocols.length > 0 && rule.protocols.every((protocol) => protocol === 'icmp')) {
      problems.push({
        path: [...at, 'ports'],
        against: [...at, 'protocols'],
        message: 'pings have no ports, so the rule could never match',
        hint: 'Remove the ports, or add tcp or udp.',
      });
    }
    if (all !== undefined) {
      warnings.push(
        `resources.access.rules[${i}] is never reached, because resources.access.rules[${all}] matches everything. Change their order.`,
      );
    }
    if (all === undefined && decidesAll(rule)) all = i;
  }
}

function decidesAll({ match, ports, protocols, users, groups, apps, devices }: Rule): boolean {
  return [match, ports, protocols, users, groups, apps, devices].every((list) => list.length === 0);
}
