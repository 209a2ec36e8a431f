import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the dashboard. */
export interface PageFile {
  /** Its folder. */
  readonly folder: string;
  readonly name: string;
}

/** Folder of our own files. */
export const PAGE_FOLDER = join(import.meta.dirname, 'page');

/** Name of the document for browsers. */
export const DOCUMENT = 'index.html';

/** Files of third-party packages, by the names in the page's import map. */
const LIBRARIES = {
  'lib/preact.js': 'preact',
  'lib/preact-hooks.js': 'preact/hooks',
  'lib/htm.js': 'htm',
  'lib/uplot.js': 'uplot/dist/uPlot.esm.js',
  'lib/uplot.css': 'uplot/dist/uPlot.min.css',
} as const;

/**
 * Every file that a browser can request, by its path below `/dashboard/`. Files outside the table do not exist, whatever the URL:
 * URLs are never converted to file paths.
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
