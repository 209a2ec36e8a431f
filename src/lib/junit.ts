/** Why a case did not pass. */
export interface JunitTrouble {
  /** `failure`: the result was wrong. `error`: there was no result. */
  readonly kind: 'failure' | 'error';
  readonly type: string;
  /** One line. */
  readonly message: string;
  /** The complete text. */
  readonly text: string;
}

export interface JunitCase {
  readonly classname: string;
  readonly name: string;
  /** Omitted: it passed. */
  readonly trouble?: JunitTrouble | undefined;
}

export interface JunitSuite {
  readonly name: string;
  readonly milliseconds: number;
  readonly properties: Readonly<Record<string, string | number>>;
  readonly cases: readonly JunitCase[];
  /** Additional output. */
  readonly output?: string | undefined;
}

/** Results in the format that CI services call JUnit. */
export function junitXml(name: string, suites: readonly JunitSuite[]): string {
  const all = suites.flatMap(({ cases }) => cases);
  const milliseconds = suites.reduce((sum, suite) => sum + suite.milliseconds, 0);
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="${attribute(name)}" ${figures(all, milliseconds)}>
${suites.map(suiteXml).join('')}</testsuites>
`;
}

function suiteXml({ name, milliseconds, properties, cases, output }: JunitSuite): string {
  const listed = Object.entries(properties).map(
    ([key, value]) => `      <property name="${attribute(key)}" value="${attribute(String(value))}"/>\n`,
  );
  return `  <testsuite name="${attribute(name)}" ${figures(cases, milliseconds)}>
    <properties>
${listed.join('')}    </properties>
${cases.map(caseXml).join('')}${output === undefined ? '' : `    <system-out>${content(output)}</system-out>\n`}  </testsuite>
`;
}

function caseXml({ classname, name, trouble }: JunitCase): string {
  const head = `    <testcase classname="${attribute(classname)}" name="${attribute(name)}" time="0"`;
  if (trouble === undefined) return `${head}/>\n`;
  const { kind, type, message, text } = trouble;
  return `${head}>\n      <${kind} type="${attribute(type)}" message="${attribute(message)}">${content(text)}</${kind}>\n    </testcase>\n`;
}

function figures(cases: readonly JunitCase[], milliseconds: number): string {
  const of = (kind: JunitTrouble['kind']): number => cases.filter(({ trouble }) => trouble?.kind === kind).length;
  return `tests="${cases.length}" failures="${of('failure')}" errors="${of('error')}" time="${(milliseconds / 1000).toFixed(3)}"`;
}

/** Characters that XML 1.0 does not allow, not even escaped (XML 1.0 §2.2). */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const content = (text: string): string =>
  text.replaceAll(FORBIDDEN, '\ufffd').replaceAll(/[&<>"]/g, (sign) => ESCAPES[sign]!);
const attribute = (text: string): string => content(text).replaceAll(/\s/g, ' ');
