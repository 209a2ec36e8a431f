import { Document, isMap, isPair, isScalar, isSeq, type Node, visit } from 'yaml';
import { checkScenario } from './load.ts';
import { ScenarioSchema } from './schema.ts';
import type { Scenario } from './types.ts';

/** Members whose entries are on lines of their own: `- { at: 20s, clear: hole }`. */
const LINES = ['timeline', 'expect'] as const;

/**
 * Formats a scenario as the text of a file, from which `readScenario` reads the same scenario: members in the order of the documentation, and
 * one line for each step and expectation.
 * @param heading a comment for the top, such as the origin
 * @throws TunneliteError `ERR_SCENARIO_INVALID`
 */
export function scenarioYaml(scenario: Scenario, heading?: string): string {
  checkScenario(scenario);
  const order = Object.keys(ScenarioSchema.properties);
  const plain = JSON.parse(JSON.stringify(scenario)) as Record<string, unknown>;
  const sorted = Object.fromEntries(
    Object.entries(plain).sort(([one], [other]) => order.indexOf(one) - order.indexOf(other)),
  );
  const document = new Document(sorted, { aliasDuplicateObjects: false });
  if (heading !== undefined) {
    document.commentBefore = heading
      .split(/\r?\n/)
      .map((line) => ` ${line}`)
      .join('\n');
  }
  for (const member of LINES) {
    const list = document.get(member) as Node | undefined;
    if (isSeq(list)) for (const item of list.items) inFlow(item as Node);
  }
  for (const member of ['token', 'traffic', 'link']) {
    const node = document.get(member, true) as Node | undefined;
    if (isMap(node)) inFlow(node);
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function inFlow(node: Node): void {
  visit(node, (_key, each) => {
    if (isMap(each) || isSeq(each)) each.flow = true;
    // Multi-line strings are quoted, so that a step stays on its line.
    if (
      isPair(each) &&
      isScalar(each.value) &&
      typeof each.value.value === 'string' &&
      each.value.value.includes('\n')
    ) {
      each.value.type = 'QUOTE_DOUBLE';
    }
  });
}
