/** Kinds of arguments and results in ORT's C API. Handles are typed pointers, so that strings and objects are refused. */
export type Kind =
  | "env"
  | "threading"
  | "options"
  | "session"
  | "runOptions"
  | "value"
  | "memoryInfo"
  | "allocator"
  | "status"
  | "pointer"
  | "string"
  | "path"
  | "size"
  | "int"
  | "void";

export interface FunctionSpec {
  /** Place in OrtApi; the table only ever grows (onnxruntime_c_api.h, API 30). */
  index: number;
  result: Kind;
  args: readonly Kind[];
}

const status = (index: number, ...args: Kind[]): FunctionSpec => ({ index, result: "status", args });
const release = (index: number, kind: Kind): FunctionSpec => ({ index, result: "void", args: [kind] });

/** The API version whose table these indices belong to. */
export const API_VERSION = 30;

/** Every function of the C API that the product calls. "pointer" is a typed array: an out-parameter or data. */
export const ORT_FUNCTIONS = {
  GetErrorCode: { index: 1, result: "int", args: ["status"] },
  GetErrorMessage: { index: 2, result: "string", args: ["status"] },
  ReleaseStatus: release(93, "status"),
  GetBuildInfoString: { index: 254, result: "string", args: [] },

  CreateThreadingOptions: status(121, "pointer"),
  SetGlobalIntraOpNumThreads: status(147, "threading", "int"),
  SetGlobalInterOpNumThreads: status(148, "threading", "int"),
  SetGlobalSpinControl: status(149, "threading", "int"),
  ReleaseThreadingOptions: release(122, "threading"),
  CreateEnvWithGlobalThreadPools: status(119, "int", "string", "threading", "pointer"),
  DisableTelemetryEvents: status(6, "env"),

  CreateSessionOptions: status(10, "pointer"),
  DisablePerSessionThreads: status(120, "options"),
  SetSessionGraphOptimizationLevel: status(23, "options", "int"),
  AddSessionConfigEntry: status(130, "options", "string", "string"),
  SetOptimizedModelFilePath: status(11, "options", "path"),
  RegisterCustomOpsLibrary_V2: status(228, "options", "path"),
  ReleaseSessionOptions: release(100, "options"),

  CreateSession: status(7, "env", "path", "options", "pointer"),
  CreateSessionFromArray: status(8, "env", "pointer", "size", "options", "pointer"),
  SessionGetInputCount: status(30, "session", "pointer"),
  SessionGetOutputCount: status(31, "session", "pointer"),
  SessionGetInputName: status(36, "session", "size", "allocator", "pointer"),
  SessionGetOutputName: status(37, "session", "size", "allocator", "pointer"),
  ReleaseSession: release(95, "session"),

  GetAllocatorWithDefaultOptions: status(78, "pointer"),
  AllocatorFree: status(76, "allocator", "pointer"),
  CreateCpuMemoryInfo: status(69, "int", "int", "pointer"),
  CreateTensorWithDataAsOrtValue: status(49, "memoryInfo", "pointer", "size", "pointer", "size", "int", "pointer"),
  ReleaseValue: release(96, "value"),

  CreateRunOptions: status(39, "pointer"),
  RunOptionsSetTerminate: status(46, "runOptions"),
  RunOptionsUnsetTerminate: status(47, "runOptions"),
  ReleaseRunOptions: release(97, "runOptions"),
  Run: status(9, "session", "runOptions", "pointer", "pointer", "size", "pointer", "size", "pointer"),

  GetAvailableProviders: status(125, "pointer", "pointer"),
  ReleaseAvailableProviders: status(126, "pointer", "int"),
} as const satisfies Record<string, FunctionSpec>;

export type OrtFunctionName = keyof typeof ORT_FUNCTIONS;
