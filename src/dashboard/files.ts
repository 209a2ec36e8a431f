import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the dashboard. */
export interface PageFile {
  /** The folder that it is in. */
  readonly folder: string;
  readonly name: string;
}

/** Folder of what is ours. */
export const PAGE_FOLDER = join(import.meta.dirname, 'page');

/** Name of the document that a browser asks for. */
export const DOCUMENT = 'index.html';

/** Files of other people's packages, by the name under which the page knows them: the import map of the document names these addresses. */
const LIBRARIES = {
  'lib/preact.js': 'preact',
  'lib/preact-hooks.js': 'preact/hooks',
  'lib/htm.js': 'htm',
  'lib/uplot.js': 'uplot/dist/uPlot.esm.js',
  'lib/uplot.css': 'uplot/dist/uPlot.min.css',
} as const;

/**
 * Every file that a browser may ask for, by its address below `/dashboard/`. What is not in the table is not there, whatever an address says:
 * no address is ever made into a path.
 */
export function pageFiles(): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const entry of readdirSync(PAGE_FOLDER, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === DOCUMENT || !/\.(?:js|css|svg)$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(PAGE_FOLDER.length + 1).replaceAll('\\', '/'), { folder: entry.parentPath, name: entry.name });
  }
  for (const [address, specifier] of Object.entries(LIBRARIES)) {
    const path = fileURLToPath(import.meta.resolve(specifier));
    files.set(address, { folder: dirname(path), name: path.slice(dirname(path).length + 1) });
  }
  return files;
}
