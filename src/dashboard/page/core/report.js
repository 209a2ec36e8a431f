/*
 * The same page shows reports and running instances (`tunnelite open`): the document marks a report. Then the page does not poll, its
 * clock stands still, and it offers no changes.
 */

const made = globalThis.document?.documentElement.dataset.report;

/** Creation time of the report, in milliseconds since the Unix epoch; `undefined`: a running instance. */
export const REPORTED_AT = made === undefined ? undefined : Number(made);

/** Whether the page shows a report. */
export const IS_REPORT = REPORTED_AT !== undefined;

/** The displayed machine's time, in milliseconds since the Unix epoch. */
export function machineTime() {
  return REPORTED_AT ?? Date.now();
}
