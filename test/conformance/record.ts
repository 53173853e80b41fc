import { difference, type Observed, observe } from './observe.ts';
import type { Deed, Scenario } from './scenarios.ts';

/** A host on which scenarios can be played. */
export interface Stage extends Observed {
  /** The errno of the write, `undefined` for success. */
  write(
    path: Extract<Deed, { write: unknown }>['write'],
    value: string,
  ): Promise<string | undefined>;
  load(module: string): Promise<void>;
  unload(module: string): Promise<void>;
  setLink(name: string, up: boolean): Promise<void>;
  /** Waits until udev is done and a port that is up has a carrier again. */
  settle(): Promise<void>;
}

/** What came of a deed: its answer, and what is other than before when everything has settled. */
export interface RecordedDeed {
  readonly deed: Deed;
  readonly answer: string;
  readonly changes: Readonly<Record<string, string | null>>;
}

/** By a scenario's title. */
export type Recording = Readonly<Record<string, readonly RecordedDeed[]>>;

/** Plays the scenarios one after the other. */
export const record = async (stage: Stage, scenarios: readonly Scenario[]): Promise<Recording> => {
  const recording: Record<string, readonly RecordedDeed[]> = {};
  let before = await observe(stage);
  for (const { title, deeds } of scenarios) {
    const recorded: RecordedDeed[] = [];
    for (const deed of deeds) {
      const answer = await play(stage, deed);
      await stage.settle();
      const after = await observe(stage);
      recorded.push({ deed: shortened(deed), answer, changes: difference(before, after) });
      before = after;
    }
    recording[title] = recorded;
  }
  return recording;
};

const play = async (stage: Stage, deed: Deed): Promise<string> => {
  if ('write' in deed) return (await stage.write(deed.write, deed.value)) ?? 'ok';
  if ('read' in deed) {
    const content = await stage.read(deed.read);
    return typeof content === 'string' ? content : content.errno;
  }
  if ('load' in deed) await stage.load(deed.load);
  else if ('unload' in deed) await stage.unload(deed.unload);
  else await stage.setLink(deed.link, deed.up);
  return 'ok';
};

const shortened = (deed: Deed): Deed =>
  'write' in deed && deed.value.length > 100
    ? { ...deed, value: `${deed.value.slice(0, 3)}… (${deed.value.length} characters)` }
    : deed;
