/** With SRIOVCTL_TEST_REPORTS set to a folder, a suite leaves its counts there for the one line at the end. */
export const reporters = (suite: string) => {
  const folder = process.env['SRIOVCTL_TEST_REPORTS'];
  return folder === undefined
    ? {}
    : { reporters: ['default', 'json'], outputFile: { json: `${folder}/${suite}.json` } };
};
