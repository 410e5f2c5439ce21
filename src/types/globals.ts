/// <reference lib="esnext.disposable" preserve="true" />

// What the package's declarations need beside the language: projects without DOM or Node types have no AbortSignal. Where
// there is one, this merges with it.
declare global {
  interface AbortSignal {}
}

export {};
