// Reads the reports of the test suites: REPORTS/ROUND/SUITE.json, where a later round's result of a file replaces
// an earlier one.
import { readdirSync, readFileSync } from 'node:fs';

const [what, place, failedParts = '0'] = process.argv.slice(2);

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));

const latestResults = (folder) => {
  const byFile = new Map();
  for (const name of readdirSync(folder, { recursive: true }).sort()) {
    if (!name.endsWith('.json')) continue;
    for (const result of read(`${folder}/${name}`).testResults) byFile.set(result.name, result);
  }
  return [...byFile.values()];
};

const count = (results) => {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { assertionResults, status } of results) {
    for (const each of assertionResults) {
      if (each.status === 'passed' || each.status === 'failed') sum[each.status] += 1;
      else sum.skipped += 1;
    }
    // A file that could not even be loaded has no test to fail.
    const told = assertionResults.some((each) => each.status === 'failed');
    if (status === 'failed' && !told) sum.failed += 1;
  }
  return sum;
};

if (what === 'failed-files') {
  const failed = read(place).testResults.filter(({ status }) => status === 'failed');
  console.log(failed.map(({ name }) => name.split('/').at(-1)).join(' '));
} else if (what === 'all-passed') {
  process.exitCode = count(latestResults(place)).failed === 0 ? 0 : 1;
} else {
  const { passed, failed, skipped } = count(latestResults(place));
  // A part that failed without a failed test (lint, types, a suite that could not start) counts as one.
  const all = failed === 0 ? Number(failedParts) : failed;
  console.log(`\n${passed} passed, ${all} failed, ${skipped} skipped`);
  process.exitCode = all === 0 && passed > 0 ? 0 : 1;
}
