/** What all pictures share: text, colours that can be read in light and in dark, and the frame. */

const LIGHT = `
text { font: 14px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: #1f2328 }
.name { font-weight: 600 }
.soft { font-size: 13px; fill: #59636e }
.end { text-anchor: end }
.middle { text-anchor: middle }
path { fill: none; stroke-linecap: round }
.line { stroke: #c5cdd5 }
.axis { stroke: #818b98 }
`.trim();

const DARK = `
text { fill: #f0f6fc }
.soft { fill: #9ea7b3 }
.line { stroke: #3d444d }
.axis { stroke: #7d8590 }
`.trim();

export interface Picture {
  readonly title: string;
  /** The script that draws it. */
  readonly by: string;
  readonly width: number;
  readonly height: number;
  /** Rules besides those that all share, and what is different about them in the dark. */
  readonly style: { readonly light: string; readonly dark: string };
  readonly parts: readonly string[];
}

/** The picture, as text. */
export function picture({ title, by, width, height, style, parts }: Picture): string {
  return [
    `<!-- Drawn by ${by}. deno-fmt-ignore-file -->`,
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${title}</title>`,
    `<style>\n${LIGHT}\n${style.light.trim()}`,
    `@media (prefers-color-scheme: dark) {\n${DARK}\n${style.dark.trim()}\n}\n</style>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

export function text(at: readonly [x: number, y: number], content: string, classes = "", more = ""): string {
  return `<text x="${at[0]}" y="${at[1]}"${classes && ` class="${classes}"`}${more}>${content}</text>`;
}

/** In whole tenths, so that no digits hang on how a fraction or a logarithm is rounded. */
export function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
