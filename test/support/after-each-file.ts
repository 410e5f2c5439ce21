/** What support modules do when a test file is over. They may be loaded once for many files, and add to it then. */
export const afterEachFile: (() => void)[] = [];
