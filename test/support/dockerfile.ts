/** One instruction of a Dockerfile. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The instructions of each stage, the one that `FROM` begins first. Continued lines are joined, comments left out. */
export function stagesOf(dockerfile: string): readonly (readonly Instruction[])[] {
  const stages: Instruction[][] = [];
  const lines = dockerfile.replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n/g, ' ');
  for (const [, name = '', text = ''] of lines.matchAll(/^(\w+)\s+(.*)$/gm)) {
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name, text: text.trim() });
  }
  return stages;
}

/** The command of an instruction in its exec form, such as `CMD ["start"]`; whatever comes before the bracket is passed over. */
export function commandOf(stage: readonly Instruction[], name: string): readonly string[] {
  const text = stage.findLast((one) => one.name === name)?.text ?? '';
  return JSON.parse(text.slice(text.indexOf('['))) as string[];
}

/** The variables that `ENV` sets. */
export function variablesOf(stage: readonly Instruction[]): Readonly<Record<string, string>> {
  const texts = stage.filter(({ name }) => name === 'ENV').map(({ text }) => text);
  return Object.fromEntries([...texts.join(' ').matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]));
}

/** What `COPY` takes from the build's context. */
export function copiedBy(stage: readonly Instruction[]): readonly string[] {
  const copies = stage.filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'));
  return copies.flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
}
