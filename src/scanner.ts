/** Reading short texts whose mistakes are to be pointed at. */
import { kvotaError, type KvotaErrorCode, show } from "./errors.ts";

/** Walks a text from left to right; every complaint names the character it stands at. */
export class Scanner {
  position = 0;
  readonly #what: string;
  readonly #code: KvotaErrorCode;
  readonly #text: string;

  constructor(what: string, code: KvotaErrorCode, text: string) {
    this.#what = what;
    this.#code = code;
    this.#text = text;
  }

  more(): boolean {
    return this.position < this.#text.length;
  }

  /** Whether `pattern`, a sticky one, fits here. */
  at(pattern: RegExp): boolean {
    pattern.lastIndex = this.position;
    return pattern.test(this.#text);
  }

  count(expected: string): number {
    const at = this.position;
    const value = Number(this.match(/\d+/y, expected));
    if (value === 0 || !Number.isSafeInteger(value)) this.fail(at, "expected a count from 1 to 2^53 - 1");
    return value;
  }

  word(): string {
    return this.match(/[^\s]+/y, "a word");
  }

  space(): void {
    this.match(/ +/y, "a space");
  }

  expect(character: string): void {
    if (this.#text[this.position] !== character) this.fail(this.position, `expected "${character}"`);
    this.position++;
  }

  end(): void {
    if (this.more()) this.fail(this.position, "expected the end");
  }

  fail(at: number, expected: string): never {
    const rest = this.#text.slice(at);
    const found = rest === "" ? "the end" : show(/^(\S+|\s)/.exec(rest)?.[0]);
    throw kvotaError(
      "SyntaxError",
      this.#code,
      `Cannot parse ${this.#what} ${show(this.#text)}: ${expected} at character ${at + 1}, received ${found}`,
    );
  }

  /** What `pattern`, a sticky one, finds here; or a complaint that says what was expected. */
  match(pattern: RegExp, expected: string): string {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) this.fail(this.position, `expected ${expected}`);
    this.position += found.length;
    return found;
  }
}
