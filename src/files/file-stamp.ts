import type { BigIntStats } from "node:fs";

/** Clocks of file systems are coarse, at worst two seconds (FAT): changes that close together may bear one time. */
const COARSEST_CLOCK_MS = 2000;

/**
 * Size and times of a file. Two equal stamps mean unchanged contents: the time of the inode's change (ctime) is not
 * for programs to set, so that contents that change while their time is kept are noticed too.
 */
export function fileStamp({ size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${size} ${mtimeNs} ${ctimeNs}`;
}

/** Whether the last change is so long ago that a later one must have another time. */
export function isSettled({ mtimeMs, ctimeMs }: BigIntStats): boolean {
  return Date.now() - Math.max(Number(mtimeMs), Number(ctimeMs)) > COARSEST_CLOCK_MS;
}
