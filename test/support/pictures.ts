import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const NARROW = { width: 390, height: 844 };

/**
 * Leaves screenshots in the folder that SCREENSHOT_FOLDER names, for people to look at and for the pages of the documentation:
 * `name.png` and `name-dark.png`, and with `narrow` the same on a phone's screen. Without the variable it does nothing.
 *
 * @param options.height of the wide picture; default: that of the page
 */
export async function picture(
  page: Page,
  name: string,
  options: { readonly narrow?: boolean; readonly height?: number } = {},
): Promise<void> {
  const { SCREENSHOT_FOLDER: folder } = process.env;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const usual = page.viewportSize()!;
  await page.setViewportSize({ ...usual, height: options.height ?? usual.height });
  await inBothSchemes(page, join(folder, name));
  if (options.narrow) {
    await page.setViewportSize(NARROW);
    await inBothSchemes(page, join(folder, `${name}-narrow`));
  }
  await page.setViewportSize(usual);
}

async function inBothSchemes(page: Page, path: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // Taking one makes the page draw: canvases follow the new scheme and size only then.
    await page.screenshot();
    await page.screenshot({ animations: 'disabled', path: `${path}${colorScheme === 'dark' ? '-dark' : ''}.png` });
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}
