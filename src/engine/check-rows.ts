import { UsageError } from "../types/errors.js";
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";
import type { KvCaches } from "./kv-cache.js";
import { ALL_NEEDS, type Feature, type TokenRows } from "./rows.js";
import { Sequence } from "./sequence.js";

/** What a model takes. */
export interface PassLimits {
  vocabSize: number;
  /** Ids that have logits to be ranked. */
  rankedCount: number;
  maxSequences: number;
  caches: KvCaches;
  /** Numbers of a feature's streams and of a guess, for a draft layer. */
  featureWidths?: { streams: number; guess: number };
}

/** Checks which sequences a pass is for. @throws UsageError, RuntimeError for a sequence that cannot be used now */
export function checkSequences(requests: readonly TokenRows[], { maxSequences, caches }: PassLimits): void {
  if (!Array.isArray(requests) || requests.length === 0 || requests.length > maxSequences) {
    const given = Array.isArray(requests) ? requests.length : shown(requests);
    throw new UsageError(`a pass takes at most ${maxSequences} sequences, at least one, got ${given}`);
  }
  for (let i = 0; i < requests.length; i++) {
    const sequence = requests[i]?.sequence;
    if (!(sequence instanceof Sequence)) {
      throw new UsageError(`request ${i} of a pass has no sequence: start one with model.newSequence()`);
    }
    if (!sequence.isOf(caches)) {
      throw new UsageError(`the sequence of request ${i} belongs to another model: start one with model.newSequence()`);
    }
    sequence.assertFree("running another pass");
    for (let j = 0; j < i; j++) {
      if (requests[j].sequence !== sequence) continue;
      throw new UsageError(`requests ${j} and ${i} of a pass are for the same sequence: join their rows, or fork it`);
    }
  }
}

/** Checks every number that a pass writes into the graph's inputs. @throws UsageError */
export function checkRows(requests: readonly TokenRows[], k: number, limits: PassLimits): void {
  const { vocabSize, rankedCount } = limits;
  if (!Number.isInteger(k) || k < 1 || k > rankedCount) {
    throw new UsageError(`k must be an integer from 1 to the vocabulary's ${rankedCount}, got ${shown(k)}`);
  }
  for (const { sequence, tokens, needs, parents, features } of requests) {
    const rows = lengthOf(tokens);
    if (!(rows > 0)) throw new UsageError("a pass needs at least one row for each sequence");
    if (lengthOf(needs) !== rows) {
      throw new UsageError(`${rows} rows came with ${shown(lengthOf(needs))} needs: give one for each row`);
    }
    if (parents !== undefined && lengthOf(parents) !== rows) {
      throw new UsageError(
        `${rows} rows came with ${shown(lengthOf(parents))} parents: give one for each row, or none`,
      );
    }
    checkTokens(tokens, vocabSize);
    checkFeatures(features, rows, limits);
    const first = sequence.pending;
    for (let i = 0; i < rows; i++) {
      const need = needs[i];
      if (!Number.isInteger(need) || need < 0 || need > ALL_NEEDS) {
        throw new UsageError(`row ${i} has the needs ${shown(need)}, expected flags of Need added up`);
      }
      const parent = parents === undefined ? -1 : parents[i];
      if (!Number.isInteger(parent) || parent < -1 || parent >= first + i) {
        throw new UsageError(`row ${i} has parent ${shown(parent)}: a parent must stand before its row`);
      }
    }
  }
}

/** @throws UsageError for features that the model does not read, or lacks */
function checkFeatures(features: readonly Feature[] | undefined, rows: number, { featureWidths }: PassLimits): void {
  if (!featureWidths) {
    if (features === undefined) return;
    throw new UsageError("rows came with features, which only draft layers read: leave them out");
  }
  if (lengthOf(features) !== rows) {
    throw new UsageError(`${rows} rows came with ${shown(lengthOf(features))} features: give one for each row`);
  }
  features!.forEach((feature, i) => {
    const [given, expected] =
      "streams" in feature ? [feature.streams, featureWidths.streams] : [feature.guess, featureWidths.guess];
    if (given?.length === expected) return;
    throw new UsageError(`the feature of row ${i} has ${shown(given?.length)} numbers, expected ${expected}`);
  });
}

/** @throws UsageError for what is no list of ids that the model has embeddings for */
export function checkTokens(tokens: readonly TokenId[], vocabSize: number): void {
  if (!(lengthOf(tokens) >= 0)) throw new UsageError(`tokens must be a list of token ids, got ${shown(tokens)}`);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
      throw new UsageError(`token id ${shown(token)} is outside the vocabulary of ${vocabSize}`);
    }
  }
}

/** NaN for what is no list. */
export function lengthOf(list: unknown): number {
  const isList = Array.isArray(list) || (ArrayBuffer.isView(list) && !(list instanceof DataView));
  return isList ? (list as unknown[]).length : Number.NaN;
}
