interface PendingEvent {
  readonly at: number;
  readonly happen: () => Promise<void>;
}

/** The simulated host's own time: it passes only while somebody waits. */
export class Clock {
  #now = 0;
  #pending: PendingEvent[] = [];

  get now(): number {
    return this.#now;
  }

  /** Lets something happen later, as what udev does after an event. */
  after(ms: number, happen: () => Promise<void>): void {
    this.#pending.push({ at: this.#now + ms, happen });
    this.#pending.sort((a, b) => a.at - b.at);
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = next.at;
      await next.happen();
    }
    this.#now = end;
  }

  /** Lets time pass until nothing is pending any more. */
  async settle(): Promise<void> {
    for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
      await this.advance(next.at - this.#now);
    }
  }

  #next(end: number): PendingEvent | undefined {
    const first = this.#pending[0];
    return first !== undefined && first.at <= end ? this.#pending.shift() : undefined;
  }
}

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};
