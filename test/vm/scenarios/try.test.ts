import { expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';

const test = scenario();
const numvfs = '/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs';
const tryFor = (seconds: number) =>
  [
    ...['sriovctl', 'try', '--timeout', `${seconds}s`],
    ...['--pf', 'enp1s0f0', '--vfs', '2', '--only', 'driver,vfs'],
  ] as const;

const count = (guest: Guest) => guest.sh(`timeout 60 cat ${numvfs}`);

/** Until the unit has come and gone that takes back what was tried. */
const takenBack = (guest: Guest) =>
  guest.sh(
    `
    until [ "$(timeout 60 cat ${numvfs})" = 0 ]; do sleep 0.2; done
    while systemctl is-active sriovctl-try.timer sriovctl-try.service; do sleep 0.2; done >/dev/null
    tail -n 1 /var/lib/sriovctl/runs/*
  `,
    { timeoutMs: 300_000 },
  );

test('what is tried goes by itself when its session is killed with all its processes', async ({
  guest,
}) => {
  const session = await guest.start(['setsid', '--wait', ...tryFor(20)]);
  // In the midst of the write that makes the VFs.
  await guest.sh(`
    until pgrep -x dd >/dev/null; do sleep 0.01; done
    systemctl is-active sriovctl-try.timer
    kill -KILL -- "-$(ps -o pgid= -p "$(pgrep -f '[s]riovctl.mjs try' | head -n 1)" | tr -d ' ')"
  `);
  expect(await session.wait()).not.toMatchObject({ exitCode: 0 });
  expect(await takenBack(guest)).toContain('"outcome":"undone"');
});

test('what is tried on a terminal stays when Enter is pressed', async ({ guest }) => {
  // script(1) makes a terminal; the answer comes when the question has been asked.
  const output = await guest.sh(
    `
    mkfifo /tmp/answer
    script -qfec ${JSON.stringify(tryFor(300).join(' '))} /tmp/typescript </tmp/answer >/dev/null 2>&1 &
    exec 3>/tmp/answer
    until grep -q 'Press Enter' /tmp/typescript; do sleep 0.2; done
    echo >&3
    wait $!
    cat /tmp/typescript
  `,
    { timeoutMs: 300_000 },
  );
  expect(output).toContain('Kept.');
  expect(await count(guest)).toBe('2');
  expect(await guest.sh('systemctl is-active sriovctl-try.timer || true')).toBe('inactive');
  expect(await guest.run(['sriovctl', 'undo'])).toMatchObject({ exitCode: 0 });
});

test('what is tried without a terminal stays when confirmed, and nothing builds on it before', async ({
  guest,
}) => {
  const tried = await guest.run(tryFor(300));
  expect(tried).toMatchObject({ exitCode: 0 });
  expect(tried.stderr).toContain('unless `sriovctl confirm` comes in time');
  const other = await guest.run(['sriovctl', 'teardown', '--pf', 'enp1s0f0', '--only', 'vfs']);
  expect(other).toMatchObject({ exitCode: 4 });
  expect(other.stderr).toContain('[TRY_PENDING]');

  expect(await guest.run(['sriovctl', 'confirm'])).toMatchObject({ exitCode: 0 });
  expect(await count(guest)).toBe('2');
  expect(await guest.run(['sriovctl', 'confirm'])).toMatchObject({ exitCode: 4 });
});

test('what is tried goes at once with undo, and by itself when nobody confirms', async ({
  guest,
}) => {
  expect(await guest.run(['sriovctl', 'undo'])).toMatchObject({ exitCode: 0 });
  expect(await guest.run(tryFor(300))).toMatchObject({ exitCode: 0 });
  expect(await guest.run(['sriovctl', 'undo'])).toMatchObject({ exitCode: 0 });
  expect(await count(guest)).toBe('0');
  expect(await guest.run(tryFor(5))).toMatchObject({ exitCode: 0 });
  expect(await takenBack(guest)).toContain('"outcome":"undone"');
});
