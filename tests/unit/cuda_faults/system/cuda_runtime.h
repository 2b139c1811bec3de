// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief As much of the CUDA runtime as cuda/detail/runtime.cuh calls, on a machine without one: every call
/// does what a test says it does, by default nothing, successfully.
#pragma once

#include <cstddef>
#include <map>
#include <string>

// Only those that status.cuh tells apart; the numbers are CUDA's.
enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorCallRequiresNewerDriver = 36,
  cudaErrorDevicesUnavailable = 46,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorECCUncorrectable = 214,
  cudaErrorDeviceAlreadyInUse = 216,
  cudaErrorNvlinkUncorrectable = 220,
  cudaErrorUnsupportedPtxVersion = 222,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchTimeout = 702,
  cudaErrorAssert = 710,
  cudaErrorHardwareStackError = 714,
  cudaErrorIllegalInstruction = 715,
  cudaErrorMisalignedAddress = 716,
  cudaErrorInvalidAddressSpace = 717,
  cudaErrorInvalidPc = 718,
  cudaErrorLaunchFailure = 719,
  cudaErrorSystemNotReady = 802,
  cudaErrorSystemDriverMismatch = 803
};
using cudaStream_t = struct fake_stream*;
using cudaEvent_t = struct fake_event*;
using cudaGraph_t = struct fake_graph*;
using cudaGraphExec_t = struct fake_executable*;
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1, cudaStreamCaptureModeRelaxed = 2 };
inline constexpr unsigned cudaHostAllocPortable = 1;
inline constexpr unsigned cudaStreamNonBlocking = 1;
inline constexpr unsigned cudaEventDisableTiming = 2;
inline constexpr unsigned cudaEventBlockingSync = 1;
struct cudaDeviceProp {
  char name[32];
  int major;
  int minor;
};

/// The machine.
struct fake_machine {
  int gpus = 1;
  int driver = 13000;
  int major = 9;
  std::map<std::string, cudaError_t> failures = {};  ///< what calls of these names return

  [[nodiscard]] cudaError_t status(const char* call) const {
    const auto found = failures.find(call);
    return found == failures.end() ? cudaSuccess : found->second;
  }
};
inline fake_machine& machine() {
  static fake_machine the_machine;
  return the_machine;
}

inline const char* cudaGetErrorString(cudaError_t) {
  return "what CUDA says";
}
inline cudaError_t cudaGetLastError() {
  return cudaSuccess;
}
inline cudaError_t cudaDriverGetVersion(int* version) {
  *version = machine().driver;
  return machine().status("cudaDriverGetVersion");
}
inline cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = machine().gpus;
  return machine().status("cudaGetDeviceCount");
}
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {"a GPU", machine().major, 0};
  return machine().status("cudaGetDeviceProperties");
}
inline cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* all_bytes) {
  *free_bytes = 1U << 20;
  *all_bytes = 1U << 21;
  return machine().status("cudaMemGetInfo");
}
inline cudaError_t cudaMalloc(void** memory, std::size_t) {
  *memory = nullptr;
  return machine().status("cudaMalloc");
}
inline cudaError_t cudaHostAlloc(void** memory, std::size_t, unsigned) {
  *memory = nullptr;
  return machine().status("cudaHostAlloc");
}

#define FAKE_CALL(name, ...)             \
  inline cudaError_t name(__VA_ARGS__) { \
    return machine().status(#name);      \
  }
FAKE_CALL(cudaThreadExchangeStreamCaptureMode, cudaStreamCaptureMode*)
FAKE_CALL(cudaSetDevice, int)
FAKE_CALL(cudaFree, void*)
FAKE_CALL(cudaFreeHost, void*)
FAKE_CALL(cudaStreamCreateWithFlags, cudaStream_t*, unsigned)
FAKE_CALL(cudaStreamSynchronize, cudaStream_t)
FAKE_CALL(cudaStreamDestroy, cudaStream_t)
FAKE_CALL(cudaEventCreateWithFlags, cudaEvent_t*, unsigned)
FAKE_CALL(cudaEventDestroy, cudaEvent_t)
FAKE_CALL(cudaEventRecord, cudaEvent_t, cudaStream_t)
FAKE_CALL(cudaEventSynchronize, cudaEvent_t)
FAKE_CALL(cudaMemcpyAsync, void*, const void*, std::size_t, cudaMemcpyKind, cudaStream_t)
FAKE_CALL(cudaMemcpy2DAsync, void*, std::size_t, const void*, std::size_t, std::size_t, std::size_t,
          cudaMemcpyKind, cudaStream_t)
FAKE_CALL(cudaMemsetAsync, void*, int, std::size_t, cudaStream_t)
FAKE_CALL(cudaStreamBeginCapture, cudaStream_t, cudaStreamCaptureMode)
FAKE_CALL(cudaStreamEndCapture, cudaStream_t, cudaGraph_t*)
FAKE_CALL(cudaGraphInstantiateWithFlags, cudaGraphExec_t*, cudaGraph_t, unsigned long long)
FAKE_CALL(cudaGraphLaunch, cudaGraphExec_t, cudaStream_t)
FAKE_CALL(cudaGraphExecDestroy, cudaGraphExec_t)
FAKE_CALL(cudaGraphDestroy, cudaGraph_t)
#undef FAKE_CALL
