import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { loadConfig } from '../../../src/config/index.ts';
import { Directory } from '../../../src/entra/index.ts';
import { parsePlan } from '../../../src/load/index.ts';
import { parseScenario } from '../../../src/scenario/index.ts';

/**
 * What the real loader says against a configuration in YAML or JSON; undefined when it takes it.
 * @param key `scenario` or `load` for one of these; else where the text belongs when it is not a whole configuration: `identity.directory`
 */
export function configurationComplaint(text: string, key?: string): string | undefined {
  if (key === 'scenario') return scenarioComplaint(text);
  if (key === 'load') return planComplaint(text);
  const folder = mkdtempSync(join(tmpdir(), 'tunnelite-documents-'));
  try {
    const file = join(folder, 'snippet.yaml');
    const path = key?.split('.') ?? [];
    writeFileSync(
      file,
      path.length === 0
        ? text
        : stringify(path.reduceRight<unknown>((value, name) => ({ [name]: value }), parse(text))),
    );
    const { config } = loadConfig({ file });
    // The loader takes the directory as it is; the identity provider checks it when it starts.
    const { directory } = config.identity;
    if (directory !== null) new Directory(directory as unknown as ConstructorParameters<typeof Directory>[0]);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same for a scenario. */
export function scenarioComplaint(text: string): string | undefined {
  try {
    parseScenario(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The same for the plan of a load test. */
function planComplaint(text: string): string | undefined {
  try {
    parsePlan(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The same for one setting in prose: `gateway.dpd: 30` or `gateway.dpd=30`. */
export function settingComplaint(key: string, text: string): string | undefined {
  try {
    loadConfig({ flags: [{ key, text, flag: key }] });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
