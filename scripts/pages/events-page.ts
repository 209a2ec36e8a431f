import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { EVENTS, type EventName } from '../../src/telemetry/index.ts';

const file = join(import.meta.dirname, '../../src/telemetry/events.ts');
const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);

/** Fields that come from a type of another file, by the name of the type. */
const SHARED: Readonly<Record<string, string>> = { PersonFields: '`user`, `signInName` (string or absent)' };

/** Types of fields that come from another type. */
const FIELD_TYPES: Readonly<Record<string, string>> = {
  "PersonFields['user']": 'string',
  "PersonFields['signInName']": 'string | undefined',
  "Person['tenantId']": 'string | undefined',
};

/** The entries of the table of events. */
function members(): ts.PropertySignature[] {
  const table = source.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === 'EventMap');
  if (!table || !ts.isInterfaceDeclaration(table)) throw new Error('The table of events was not found');
  return table.members.filter(ts.isPropertySignature);
}

function comment(node: ts.Node): string {
  return ts
    .getJSDocCommentsAndTags(node)
    .map((doc) => (ts.isJSDoc(doc) ? (ts.getTextOfJSDocComment(doc.comment) ?? '') : ''))
    .join(' ')
    .replaceAll(/\s*\n\s*/g, ' ');
}

function fieldsOf(type: ts.TypeNode): string[] {
  if (ts.isIntersectionTypeNode(type)) return type.types.flatMap(fieldsOf);
  if (ts.isTypeReferenceNode(type)) {
    const name = type.getText(source);
    if (name === 'Record<never, never>') return [];
    const shared = SHARED[name];
    if (shared === undefined) throw new Error(`${name} has no description in scripts/pages/events-page.ts`);
    return [shared];
  }
  if (!ts.isTypeLiteralNode(type)) throw new Error(`${type.getText(source)} is no list of fields`);
  return type.members.filter(ts.isPropertySignature).map((member) => {
    const text = member.type?.getText(source) ?? '';
    const kind = text
      .split(/\s*\|\s*(?![^[]*\])/)
      .map((part) => FIELD_TYPES[part] ?? part)
      .join(' | ')
      .split(' | ');
    const absent = kind.includes('undefined') ? ' or absent' : '';
    const about = comment(member);
    return `\`${member.name.getText(source)}\` (${[...new Set(kind)].filter((part) => part !== 'undefined').join(', ')}${absent})${about === '' ? '' : `: ${about}`}`;
  });
}

/** The page about events: every name with its level and fields. */
export function eventsPage(): string {
  const rows = members().map((member) => {
    const name = (member.name as ts.StringLiteral).text as EventName;
    const { level, problem } = EVENTS[name];
    const fields = member.type ? fieldsOf(member.type) : [];
    return `### \`${name}\`

${[comment(member), `Level ${typeof level === 'function' ? 'depends on what happened' : `\`${level}\``}.`, problem ? 'Counts as a problem.' : ''].filter((part) => part !== '').join(' ')}

${fields.length === 0 ? 'No fields.' : fields.map((field) => `- ${field}`).join('\n')}
`;
  });
  return `# Events

Log, journal, \`sim.subscribe\` and \`journal.file\` all come from one table of events. Each event has a number (\`seq\`, which grows by one),
a time (milliseconds since the Unix epoch), a name, a level, a sentence (\`text\`) and the fields listed here. Events never contain tokens,
cookies, keys or passwords. Fields of the same name mean the same everywhere: \`session\` is the short id of a session, \`remote\` the client's
\`address:port\`, \`reason\` one word to branch on, \`explanation\` a sentence to read.

An event that "counts as a problem" is listed by \`sim.journal.problems()\`, unless a fault or an ordered failure caused it.
This page is generated from \`src/telemetry/events.ts\`.

${rows.join('\n')}`;
}

function namesOf(type: ts.TypeNode): string[] {
  if (ts.isIntersectionTypeNode(type)) return type.types.flatMap(namesOf);
  if (ts.isTypeReferenceNode(type))
    return [...(SHARED[type.getText(source)] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  return (type as ts.TypeLiteralNode).members
    .filter(ts.isPropertySignature)
    .map((member) => member.name.getText(source));
}

/** The module that has the names of each event's fields at run time. */
export function eventFieldsModule(): string {
  const rows = members().map((member) => {
    const fields = member.type ? namesOf(member.type) : [];
    return `  '${(member.name as ts.StringLiteral).text}': [${fields.map((field) => `'${field}'`).join(', ')}],`;
  });
  return `// biome-ignore-all format: generated from events.ts by scripts/generate-docs.ts
import type { EventMap, EventName } from './events.ts';

/** Names of the fields of each event, for those who are asked about a field that none has. */
export const EVENT_FIELDS: { readonly [Name in EventName]: readonly (keyof EventMap[Name])[] } = {
${rows.join('\n')}
};
`;
}
