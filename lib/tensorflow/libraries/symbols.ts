/**
 * The functions of TensorFlow's C API that the kit calls, as Deno FFI declares them. TF_Status, TF_Tensor and TF_Buffer
 * functions live in libtensorflow_framework, all others in libtensorflow_cc. Signatures: tensorflow/c/c_api.h,
 * tensorflow/c/eager/c_api.h, tensorflow/c/c_api_experimental.h (collectives) and tensorflow/c/tf_tensor.h of
 * TensorFlow 2.21.
 *
 * @module
 */
const pointer = "pointer", buffer = "buffer", i32 = "i32", i64 = "i64", u8 = "u8", usize = "usize", none = "void";

/** TF_Output { TF_Operation* oper; int index; }, passed by value. */
const output = { struct: [pointer, i32] } as const;

/** Symbols of libtensorflow_cc. */
export const ccSymbols = {
  TF_Version: { parameters: [], result: pointer },
  TF_GetAllOpList: { parameters: [], result: pointer },

  TFE_NewContextOptions: { parameters: [], result: pointer },
  TFE_DeleteContextOptions: { parameters: [pointer], result: none },
  TFE_ContextOptionsSetConfig: { parameters: [pointer, buffer, usize, pointer], result: none },
  TFE_NewContext: { parameters: [pointer, pointer], result: pointer },
  TFE_NewContextAsync: {
    name: "TFE_NewContext",
    parameters: [pointer, pointer],
    result: pointer,
    nonblocking: true,
  },
  TFE_EnableCollectiveOpsAsync: {
    name: "TFE_EnableCollectiveOps",
    parameters: [pointer, buffer, usize, pointer],
    result: none,
    nonblocking: true,
  },
  TFE_AbortCollectiveOpsAsync: {
    name: "TFE_AbortCollectiveOps",
    parameters: [pointer, pointer],
    result: none,
    nonblocking: true,
  },
  TFE_ContextListDevices: { parameters: [pointer, pointer], result: pointer },
  TFE_ContextAddFunction: { parameters: [pointer, pointer, pointer], result: none },
  TFE_ContextRemoveFunction: { parameters: [pointer, buffer, pointer], result: none },
  TF_DeviceListCount: { parameters: [pointer], result: i32 },
  TF_DeviceListType: { parameters: [pointer, i32, pointer], result: pointer },
  TF_DeleteDeviceList: { parameters: [pointer], result: none },

  TFE_NewTensorHandle: { parameters: [pointer, pointer], result: pointer },
  TFE_DeleteTensorHandle: { parameters: [pointer], result: none },
  TFE_TensorHandleCopySharingTensor: { parameters: [pointer, pointer], result: pointer },
  TFE_TensorHandleResolve: { parameters: [pointer, pointer], result: pointer },
  TFE_TensorHandleResolveAsync: {
    name: "TFE_TensorHandleResolve",
    parameters: [pointer, pointer],
    result: pointer,
    nonblocking: true,
  },
  TFE_TensorHandleNumDims: { parameters: [pointer, pointer], result: i32 },
  TFE_TensorHandleDim: { parameters: [pointer, i32, pointer], result: i64 },
  TFE_TensorHandleDataType: { parameters: [pointer], result: i32 },

  TFE_NewOp: { parameters: [pointer, buffer, pointer], result: pointer },
  TFE_DeleteOp: { parameters: [pointer], result: none },
  TFE_OpAddInput: { parameters: [pointer, pointer, pointer], result: none },
  TFE_OpAddInputList: { parameters: [pointer, buffer, i32, pointer], result: none },
  TFE_OpSetAttrType: { parameters: [pointer, buffer, i32], result: none },
  TFE_OpSetAttrTypeList: { parameters: [pointer, buffer, buffer, i32], result: none },
  TFE_OpSetAttrBool: { parameters: [pointer, buffer, u8], result: none },
  TFE_OpSetAttrInt: { parameters: [pointer, buffer, i64], result: none },
  TFE_OpSetAttrIntList: { parameters: [pointer, buffer, buffer, i32], result: none },
  TFE_OpSetAttrFloat: { parameters: [pointer, buffer, "f32"], result: none },
  TFE_OpSetAttrFloatList: { parameters: [pointer, buffer, buffer, i32], result: none },
  TFE_OpSetAttrString: { parameters: [pointer, buffer, buffer, usize], result: none },
  TFE_OpSetAttrShape: { parameters: [pointer, buffer, buffer, i32, pointer], result: none },
  TFE_Execute: { parameters: [pointer, buffer, buffer, pointer], result: none },
  TFE_ExecuteAsync: {
    name: "TFE_Execute",
    parameters: [pointer, buffer, buffer, pointer],
    result: none,
    nonblocking: true,
  },

  TF_NewGraph: { parameters: [], result: pointer },
  TF_DeleteGraph: { parameters: [pointer], result: none },
  TF_NewOperation: { parameters: [pointer, buffer, buffer], result: pointer },
  TF_AddInput: { parameters: [pointer, output], result: none },
  TF_AddControlInput: { parameters: [pointer, pointer], result: none },
  TF_AddInputList: { parameters: [pointer, buffer, i32], result: none },
  TF_SetAttrType: { parameters: [pointer, buffer, i32], result: none },
  TF_SetAttrTypeList: { parameters: [pointer, buffer, buffer, i32], result: none },
  TF_SetAttrBool: { parameters: [pointer, buffer, u8], result: none },
  TF_SetAttrInt: { parameters: [pointer, buffer, i64], result: none },
  TF_SetAttrIntList: { parameters: [pointer, buffer, buffer, i32], result: none },
  TF_SetAttrFloat: { parameters: [pointer, buffer, "f32"], result: none },
  TF_SetAttrFloatList: { parameters: [pointer, buffer, buffer, i32], result: none },
  TF_SetAttrString: { parameters: [pointer, buffer, buffer, usize], result: none },
  TF_SetAttrShape: { parameters: [pointer, buffer, buffer, i32], result: none },
  TF_SetAttrFuncName: { parameters: [pointer, buffer, buffer, usize], result: none },
  TF_SetAttrTensor: { parameters: [pointer, buffer, pointer, pointer], result: none },
  TF_FinishOperation: { parameters: [pointer, pointer], result: pointer },
  TF_OperationOutputType: { parameters: [output], result: i32 },
  TF_GraphGetTensorNumDims: { parameters: [pointer, output, pointer], result: i32 },
  TF_GraphGetTensorShape: { parameters: [pointer, output, buffer, i32, pointer], result: none },
  TF_GraphSetTensorShape: { parameters: [pointer, output, buffer, i32, pointer], result: none },
  TF_GraphCopyFunction: { parameters: [pointer, pointer, pointer, pointer], result: none },
  TF_GraphToFunctionWithControlOutputs: {
    parameters: [
      ...[pointer, buffer, u8, i32, pointer],
      ...[i32, buffer, i32, buffer, pointer],
      ...[i32, buffer, pointer, pointer, buffer, pointer],
    ],
    result: pointer,
  },
  TF_FunctionSetAttrValueProto: { parameters: [pointer, buffer, buffer, usize, pointer], result: none },
  TF_DeleteFunction: { parameters: [pointer], result: none },

  TF_StringInit: { parameters: [pointer], result: none },
  TF_StringAssignView: { parameters: [pointer, buffer, usize], result: none },
  TF_StringCopy: { parameters: [pointer, buffer, usize], result: none },
  TF_StringGetDataPointer: { parameters: [pointer], result: pointer },
  TF_StringGetSize: { parameters: [pointer], result: usize },
} as const satisfies Deno.ForeignLibraryInterface;

/** Symbols of libtensorflow_framework. */
export const frameworkSymbols = {
  TF_NewStatus: { parameters: [], result: pointer },
  TF_DeleteStatus: { parameters: [pointer], result: none },
  TF_SetStatus: { parameters: [pointer, i32, buffer], result: none },
  TF_GetCode: { parameters: [pointer], result: i32 },
  TF_Message: { parameters: [pointer], result: pointer },
  TF_AllocateTensor: { parameters: [i32, buffer, i32, usize], result: pointer },
  TF_DeleteTensor: { parameters: [pointer], result: none },
  TF_TensorData: { parameters: [pointer], result: pointer },
  TF_TensorByteSize: { parameters: [pointer], result: usize },
  TF_TensorType: { parameters: [pointer], result: i32 },
  TF_DeleteBuffer: { parameters: [pointer], result: none },

  // absl::SetMinLogLevel(LogSeverityAtLeast) of the Abseil release in TensorFlow 2.21: what it logs before absl's own
  // initialisation heeds no environment variable.
  setMinLogLevel: {
    name: "_ZN4absl12lts_2025081414SetMinLogLevelENS0_18LogSeverityAtLeastE",
    parameters: [i32],
    result: none,
    optional: true,
  },

  // tsl::enable_tensor_float_32_execution(bool) and tsl::tensor_float_32_execution_enabled(): TensorFlow's default is that
  // GPUs round what float32 products take to 10 bits of mantissa.
  enableTensorFloat32: {
    name: "_ZN3tsl32enable_tensor_float_32_executionEb",
    parameters: [u8],
    result: none,
    optional: true,
  },
  tensorFloat32Enabled: {
    name: "_ZN3tsl33tensor_float_32_execution_enabledEv",
    parameters: [],
    result: "bool",
    optional: true,
  },
} as const satisfies Deno.ForeignLibraryInterface;
