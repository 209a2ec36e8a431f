import { posix } from 'node:path';
import { type Mutant, nameOf } from './mutants.ts';
import type { Verdict } from './trial.ts';

/** A mutant that no test can kill, or need not, and why. */
export interface Equivalent {
  readonly file: string;
  /** The line of source that the change begins on. */
  readonly code: string;
  readonly column: number;
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** Figures of one folder. */
export interface FolderFigures {
  readonly folder: string;
  readonly mutants: number;
  readonly killed: number;
  /** Survivors that the list judges equivalent. */
  readonly equivalent: number;
  readonly survivors: number;
}

/** A verdict as the JSON report holds it. */
export interface ReportedMutant {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
  readonly code: string;
  readonly column: number;
  readonly from: string;
  readonly to: string;
  readonly outcome: 'killed' | 'equivalent' | 'survived';
  readonly by?: string;
  readonly because?: string;
  readonly tried: number;
  readonly untried: number;
}

/** What the JSON file of a run holds. */
export interface MutationReport {
  readonly seed: number;
  readonly folders: readonly FolderFigures[];
  readonly mutants: readonly ReportedMutant[];
}

/** Per cent of the mutants that are not equivalent. */
export const scoreOf = ({ mutants, killed, equivalent }: FolderFigures): number =>
  mutants === equivalent ? 100 : (100 * killed) / (mutants - equivalent);

/** Which of the mutants an interrupted run has tried, with what became of them, and which are left to try. */
export function takenUp(
  chosen: readonly Mutant[],
  earlier: readonly ReportedMutant[],
): { readonly kept: readonly ReportedMutant[]; readonly left: readonly Mutant[] } {
  // With the line: a file may hold the same line twice.
  const placeOf = (mutant: Mutant | ReportedMutant): string => `${mutant.line} ${nameOf(mutant)}`;
  const tried = new Map(earlier.map((each) => [placeOf(each), each]));
  const kept = chosen.flatMap((mutant) => tried.get(placeOf(mutant)) ?? []);
  return { kept, left: chosen.filter((mutant) => !tried.has(placeOf(mutant))) };
}

/** Puts verdicts together; `earlier` are those of the run that this one takes up. */
export function reportOf(
  verdicts: readonly Verdict[],
  equivalents: readonly Equivalent[],
  seed: number,
  earlier: readonly ReportedMutant[] = [],
): MutationReport {
  const judged = new Set(equivalents.map(nameOf));
  const outcomeOf = (mutant: Pick<ReportedMutant, 'file' | 'code' | 'column' | 'from' | 'to'>, killed: boolean) =>
    killed ? 'killed' : judged.has(nameOf(mutant)) ? 'equivalent' : 'survived';
  const tried = verdicts.map(({ mutant: { text: _, start: __, end: ___, ...mutant }, killed, ...rest }) => {
    return { ...mutant, outcome: outcomeOf(mutant, killed), ...rest } as const;
  });
  const kept = earlier.map((each) => ({ ...each, outcome: outcomeOf(each, each.outcome === 'killed') }) as const);
  const mutants: readonly ReportedMutant[] = [...kept, ...tried];
  const byFolder = Map.groupBy(mutants, ({ file }) => posix.dirname(file));
  const folders = [...byFolder].map(([folder, all]): FolderFigures => {
    const count = (outcome: string): number => all.filter((each) => each.outcome === outcome).length;
    const [killed, equivalent, survivors] = [count('killed'), count('equivalent'), count('survived')];
    return { folder, mutants: all.length, killed, equivalent, survivors };
  });
  return { seed, folders: folders.toSorted((a, b) => (a.folder < b.folder ? -1 : 1)), mutants };
}

function totalOf(folders: readonly FolderFigures[]): FolderFigures {
  const sum = (key: 'mutants' | 'killed' | 'equivalent' | 'survivors'): number =>
    folders.reduce((total, each) => total + each[key], 0);
  const [mutants, killed, equivalent, survivors] = [sum('mutants'), sum('killed'), sum('equivalent'), sum('survivors')];
  return { folder: 'all', mutants, killed, equivalent, survivors };
}

/** `src/bearer/found.ts:12  condition  a > b → false`. */
export function describe({
  file,
  line,
  kind,
  from,
  to,
}: Pick<ReportedMutant, 'file' | 'line' | 'kind' | 'from' | 'to'>): string {
  const short = (text: string): string => (text.length > 90 ? `${text.slice(0, 87)}...` : text);
  return `${file}:${line}  ${kind}  ${short(from)} → ${to.trim() === '' || to === ';' ? '(nothing)' : short(to)}`;
}

/** The report in lines for a terminal: survivors, then a table by folder. */
export function linesOf({ folders, mutants }: MutationReport): readonly string[] {
  const survivors = mutants.filter(({ outcome }) => outcome === 'survived');
  const row = (figures: FolderFigures): string => {
    const { folder, mutants: all, killed, equivalent, survivors: left } = figures;
    const cells = [all, killed, equivalent, left].map((value) => String(value).padStart(10));
    return `${folder.padEnd(32)}${cells.join('')}${scoreOf(figures).toFixed(0).padStart(7)} %`;
  };
  return [
    ...(survivors.length > 0 ? ['Survivors:'] : []),
    ...survivors.map((each) => {
      const untried = each.untried > 0 ? `, ${each.untried} not run for want of time` : '';
      return `  ${describe(each)}  (${each.tried} tests passed${untried})`;
    }),
    '',
    `${'folder'.padEnd(32)}   mutants    killed equivalent  survived  score`,
    ...folders.map(row),
    ...(folders.length > 1 ? [row(totalOf(folders))] : []),
  ];
}
