/** The anchor that GitHub gives to a heading, so that links between pages work there and on the site. */
export const anchorSlug = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-');
