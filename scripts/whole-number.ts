/** The number that an option has, or the end of the program with a line that says what is wrong. @param least smallest that is allowed */
export function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  console.error(`--${option} ${text}: give a whole number from ${least}`);
  process.exit(2);
}
