// SPDX-License-Identifier: Apache-2.0
// What the CUDA runtime reports, as errors of the library: cuda/detail/runtime.cuh on a runtime that does
// what it is told (system/cuda_runtime.h).
#include <array>
#include <functional>
#include <string>
#include <vector>

#include <dnalm/cuda/detail/runtime.cuh>
#include <support/catch.hpp>

namespace {

/// The machine as it was, at the end of the scope.
struct as_before {
  as_before() = default;
  as_before(const as_before&) = delete;
  as_before& operator=(const as_before&) = delete;
  ~as_before() { machine() = {}; }
};

/// The error of a call; all of them end a program with exit code 5.
std::string failure(const std::function<void()>& call) {
  try {
    call();
  } catch (const dnalm::error& e) {
    CHECK(dnalm::exit_code(e.kind()) == 5);
    return e.id();
  }
  return "";
}
std::string failure_to_find(int number = 0) {
  return failure([&] { static_cast<void>(dnalm::cuda_find_device(number)); });
}

}  // namespace

TEST_CASE("a GPU that can be used is described", "[cuda_faults]") {
  const dnalm::cuda_device device = dnalm::cuda_find_device(0);
  CHECK(device.name == "a GPU");
  CHECK(device.free_memory == 1 << 20);
}

TEST_CASE("no GPU, no driver, one that is too old, or of another number", "[cuda_faults]") {
  const as_before restore;
  machine().gpus = 0;
  CHECK(failure_to_find() == "dnalm.device.603");
  machine().failures["cudaGetDeviceCount"] = cudaErrorNoDevice;
  CHECK(failure_to_find() == "dnalm.device.603");
  machine().driver = 0;  // CUDA then says that the driver is too old
  machine().failures["cudaGetDeviceCount"] = cudaErrorInsufficientDriver;
  CHECK(failure_to_find() == "dnalm.device.603");
  machine().driver = 12000;
  CHECK(failure_to_find() == "dnalm.device.604");
  machine() = {};
  machine().major = 7;
  CHECK(failure_to_find() == "dnalm.device.605");
  CHECK(failure_to_find(1) == "dnalm.device.606");
  CHECK(failure_to_find(-1) == "dnalm.device.606");
}

TEST_CASE("a GPU that another program has for itself", "[cuda_faults]") {
  for (const cudaError_t status :
       {cudaErrorDevicesUnavailable, cudaErrorDeviceAlreadyInUse, cudaErrorSystemNotReady}) {
    const as_before restore;
    machine().failures["cudaMemGetInfo"] = status;  // the first call that needs the GPU itself
    CHECK(failure_to_find() == "dnalm.device.607");
    machine() = {};
    machine().failures["cudaSetDevice"] = status;
    CHECK(failure_to_find() == "dnalm.device.607");
    CHECK(failure([] { dnalm::cuda_select_device(0); }) == "dnalm.device.607");
  }
}

TEST_CASE("memory that is not there, on the GPU and to be locked on the host", "[cuda_faults]") {
  const as_before restore;
  machine().failures = {{"cudaMalloc", cudaErrorMemoryAllocation},
                        {"cudaHostAlloc", cudaErrorMemoryAllocation}};
  CHECK(failure([] { static_cast<void>(dnalm::cuda_allocate(0, 8)); }) == "dnalm.memory.608");
  CHECK(failure([] { static_cast<void>(dnalm::cuda_allocate_host(0, 8)); }) == "dnalm.memory.611");
}

TEST_CASE("work that fails is told by whoever waits for it, or puts more behind it", "[cuda_faults]") {
  const std::vector<std::pair<std::string, std::function<void()>>> calls{
      {"cudaStreamSynchronize", [] { dnalm::cuda_synchronize({}); }},
      {"cudaEventSynchronize", [] { dnalm::cuda_wait({}); }},
      {"cudaMemcpyAsync", [] { dnalm::cuda_download({}, nullptr, nullptr, {.bytes = 4}); }},
      {"cudaMemcpy2DAsync",
       [] {
         dnalm::cuda_upload({}, nullptr, nullptr, {.rows = 2, .bytes = 4, .from_stride = 8, .to_stride = 8});
       }},
      {"cudaMemsetAsync", [] { dnalm::cuda_clear({}, nullptr, 4); }},
      {"cudaGraphLaunch", [] { dnalm::cuda_launch_graph({}, {}); }},
      {"cudaEventRecord", [] { dnalm::cuda_record({}, {}); }}};
  for (const auto& [name, call] : calls) {
    INFO(name);
    for (const cudaError_t status :
         {cudaErrorIllegalAddress, cudaErrorMisalignedAddress, cudaErrorInvalidAddressSpace,
          cudaErrorInvalidPc, cudaErrorIllegalInstruction, cudaErrorHardwareStackError,
          cudaErrorLaunchFailure, cudaErrorLaunchTimeout, cudaErrorECCUncorrectable,
          cudaErrorNvlinkUncorrectable, cudaErrorAssert}) {
      const as_before restore;
      machine().failures[name] = status;
      CHECK(failure(call) == "dnalm.device.615");
    }
    CHECK(failure(call).empty());
  }
}

TEST_CASE("code for another GPU, newer code than the driver knows, and all other reports", "[cuda_faults]") {
  const as_before restore;
  const std::vector<std::pair<cudaError_t, std::string>> reports{
      {cudaErrorNoKernelImageForDevice, "dnalm.device.605"},
      {cudaErrorUnsupportedPtxVersion, "dnalm.device.604"},
      {cudaErrorCallRequiresNewerDriver, "dnalm.device.604"},
      {cudaErrorSystemDriverMismatch, "dnalm.device.604"},
      {cudaErrorInvalidDevice, "dnalm.device.606"},
      {cudaErrorInvalidValue, "dnalm.device.600"}};
  for (const auto& [status, id] : reports) {
    machine().failures["cudaStreamBeginCapture"] = status;
    CHECK(failure([] { dnalm::cuda_begin_capture({}); }) == id);
  }
}

TEST_CASE("what ends something reports nothing, whatever the GPU does", "[cuda_faults]") {
  const as_before restore;
  for (const char* name : {"cudaSetDevice", "cudaStreamSynchronize", "cudaFree", "cudaFreeHost",
                           "cudaStreamDestroy", "cudaEventDestroy", "cudaStreamEndCapture"}) {
    machine().failures[name] = cudaErrorLaunchFailure;
  }
  char memory = 0;
  dnalm::cuda_release(0, {}, &memory);
  dnalm::cuda_release_host(0, &memory);
  dnalm::cuda_destroy_stream(0, {});
  dnalm::cuda_destroy_event(0, {&memory});
  dnalm::cuda_abandon_capture({});
}
