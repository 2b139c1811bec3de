// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cuda/runtime.hpp.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string>

#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/status.cuh>
#include <dnalm/cuda/runtime.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

[[nodiscard]] inline cudaStream_t native(cuda_stream stream) {
  return static_cast<cudaStream_t>(stream.handle);
}

[[nodiscard]] inline cudaEvent_t native(cuda_event event) {
  return static_cast<cudaEvent_t>(event.handle);
}

/// While it lives the calling thread may allocate, free and wait although it records a stream: none of that
/// is part of the recording, and none of it concerns the stream that is recorded.
class beside_capture {
 public:
  beside_capture() { static_cast<void>(cudaThreadExchangeStreamCaptureMode(&mode_)); }
  beside_capture(const beside_capture&) = delete;
  beside_capture& operator=(const beside_capture&) = delete;
  ~beside_capture() { static_cast<void>(cudaThreadExchangeStreamCaptureMode(&mode_)); }

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

/// A recording that is not executable yet.
class recorded_graph {
 public:
  recorded_graph() = default;
  recorded_graph(const recorded_graph&) = delete;
  recorded_graph& operator=(const recorded_graph&) = delete;
  ~recorded_graph() {
    if (graph != nullptr) static_cast<void>(cudaGraphDestroy(graph));
  }
  cudaGraph_t graph = nullptr;
};

/// \throws error 603, 604 when there is none.
[[nodiscard]] inline int count_devices(int driver) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (driver == 0) throw error(error_kind::device, 603, "no GPU", {.found = "no driver of one"});
  check_runtime(status, "search for GPUs");
  if (count == 0) throw error_of(cudaErrorNoDevice, "search for GPUs");
  return count;
}

inline void copy_rows(cuda_stream stream, const void* from, void* to, const cuda_byte_rows& rows,
                      cudaMemcpyKind kind, const char* where) {
  if (rows.rows == 0 || rows.bytes == 0) return;
  const auto size = [](index_t n) { return static_cast<std::size_t>(n); };
  const bool whole = rows.rows == 1 || (rows.from_stride == rows.bytes && rows.to_stride == rows.bytes);
  if (whole) {
    check_runtime(cudaMemcpyAsync(to, from, size(checked_mul(rows.rows, rows.bytes)), kind, native(stream)),
                  where);
  } else {
    check_runtime(cudaMemcpy2DAsync(to, size(rows.to_stride), from, size(rows.from_stride), size(rows.bytes),
                                    size(rows.rows), kind, native(stream)),
                  where);
  }
}

}  // namespace detail::gpu

DNALM_EMITTED cuda_device cuda_find_device(int number) {
  using namespace detail::gpu;
  cuda_device device;
  device.number = number;
  check_runtime(cudaDriverGetVersion(&device.driver), "version of the driver");
  check_runtime(cudaRuntimeGetVersion(&device.runtime), "version of the CUDA runtime");
  const int count = count_devices(device.driver);
  const std::string where = "GPU " + std::to_string(number);
  if (number < 0 || number >= count) {
    throw error(error_kind::device, 606, "no GPU of this number",
                {.expected = "0 to " + std::to_string(count - 1), .found = std::to_string(number)});
  }
  cudaDeviceProp properties;
  check_runtime(cudaGetDeviceProperties(&properties, number), where);
  device.name = properties.name;
  device.major = properties.major;
  device.minor = properties.minor;
  if (device.major < cuda_oldest_major) {
    throw error(
        error_kind::device, 605, "a GPU of a kind that is too old",
        {.where = where,
         .expected = "compute capability 8.0 or later",
         .found = device.name + " of " + std::to_string(device.major) + "." + std::to_string(device.minor)});
  }
  check_runtime(cudaSetDevice(number), where);
  std::size_t free_bytes = 0;
  std::size_t all_bytes = 0;
  check_runtime(cudaMemGetInfo(&free_bytes, &all_bytes), where);  // the first call that needs the GPU itself
  device.memory = static_cast<index_t>(all_bytes);
  device.free_memory = static_cast<index_t>(free_bytes);
  return device;
}

DNALM_EMITTED void cuda_select_device(int number) {
  detail::gpu::check_runtime(cudaSetDevice(number), "choice of a GPU");
}

DNALM_EMITTED void* cuda_allocate(int device, index_t bytes) {
  const detail::gpu::beside_capture beside;
  cuda_select_device(device);
  void* memory = nullptr;
  detail::gpu::check_runtime(cudaMalloc(&memory, static_cast<std::size_t>(bytes)),
                             std::to_string(bytes) + " bytes on GPU " + std::to_string(device));
  return memory;
}

// Nobody could mend a failure here: the next call that waits for the GPU reports it.
DNALM_EMITTED void cuda_release(int device, cuda_stream stream, void* memory) noexcept {
  if (memory == nullptr) return;
  const detail::gpu::beside_capture beside;
  static_cast<void>(cudaSetDevice(device));
  // Not the whole GPU: another thread may be recording one of its streams.
  static_cast<void>(cudaStreamSynchronize(detail::gpu::native(stream)));
  static_cast<void>(cudaFree(memory));
}

DNALM_EMITTED void* cuda_allocate_host(int device, index_t bytes) {
  const detail::gpu::beside_capture beside;
  cuda_select_device(device);
  void* memory = nullptr;
  const cudaError_t status = cudaHostAlloc(&memory, static_cast<std::size_t>(bytes), cudaHostAllocPortable);
  const std::string where = std::to_string(bytes) + " bytes of page-locked memory";
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw error(error_kind::memory, 611, "the host has not enough memory that can be locked",
                {.where = where, .found = cudaGetErrorString(status)});
  }
  detail::gpu::check_runtime(status, where);
  return memory;
}

DNALM_EMITTED void cuda_release_host(int device, void* memory) noexcept {
  if (memory == nullptr) return;
  const detail::gpu::beside_capture beside;
  static_cast<void>(cudaSetDevice(device));
  static_cast<void>(cudaFreeHost(memory));
}

DNALM_EMITTED cuda_stream cuda_create_stream(int device) {
  cuda_select_device(device);
  cudaStream_t stream = nullptr;
  detail::gpu::check_runtime(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "a new stream");
  return {stream};
}

DNALM_EMITTED void cuda_destroy_stream(int device, cuda_stream stream) noexcept {
  static_cast<void>(cudaSetDevice(device));
  static_cast<void>(cudaStreamSynchronize(detail::gpu::native(stream)));
  static_cast<void>(cudaStreamDestroy(detail::gpu::native(stream)));
}

DNALM_EMITTED void cuda_synchronize(cuda_stream stream) {
  const detail::gpu::beside_capture beside;
  detail::gpu::check_runtime(cudaStreamSynchronize(detail::gpu::native(stream)), "wait for the GPU");
}

DNALM_EMITTED cuda_event cuda_create_event(int device) {
  cuda_select_device(device);
  cudaEvent_t event = nullptr;
  detail::gpu::check_runtime(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync),
                             "a new event");
  return {event};
}

DNALM_EMITTED void cuda_destroy_event(int device, cuda_event event) noexcept {
  if (event.handle == nullptr) return;
  static_cast<void>(cudaSetDevice(device));
  static_cast<void>(cudaEventDestroy(detail::gpu::native(event)));
}

DNALM_EMITTED void cuda_record(cuda_stream stream, cuda_event event) {
  detail::gpu::check_runtime(cudaEventRecord(detail::gpu::native(event), detail::gpu::native(stream)),
                             "record of an event");
}

DNALM_EMITTED void cuda_wait(cuda_event event) {
  const detail::gpu::beside_capture beside;
  detail::gpu::check_runtime(cudaEventSynchronize(detail::gpu::native(event)), "wait for the GPU");
}

DNALM_EMITTED void cuda_upload(cuda_stream stream, const void* from, void* to, const cuda_byte_rows& rows) {
  detail::gpu::copy_rows(stream, from, to, rows, cudaMemcpyHostToDevice, "copy to the GPU");
}

DNALM_EMITTED void cuda_download(cuda_stream stream, const void* from, void* to, const cuda_byte_rows& rows) {
  detail::gpu::copy_rows(stream, from, to, rows, cudaMemcpyDeviceToHost, "copy from the GPU");
}

DNALM_EMITTED void cuda_clear(cuda_stream stream, void* memory, index_t bytes) {
  if (bytes == 0) return;
  detail::gpu::check_runtime(
      cudaMemsetAsync(memory, 0, static_cast<std::size_t>(bytes), detail::gpu::native(stream)),
      "zeros on the GPU");
}

// Only what this thread does may spoil the recording; other threads work on as ever.
DNALM_EMITTED void cuda_begin_capture(cuda_stream stream) {
  detail::gpu::check_runtime(
      cudaStreamBeginCapture(detail::gpu::native(stream), cudaStreamCaptureModeThreadLocal),
      "start of a recording");
}

DNALM_EMITTED cuda_graph cuda_end_capture(cuda_stream stream) {
  detail::gpu::recorded_graph recorded;
  detail::gpu::check_runtime(cudaStreamEndCapture(detail::gpu::native(stream), &recorded.graph),
                             "end of a recording");
  cudaGraphExec_t executable = nullptr;
  detail::gpu::check_runtime(cudaGraphInstantiateWithFlags(&executable, recorded.graph, 0),
                             "a graph of recorded work");
  return {executable};
}

DNALM_EMITTED void cuda_abandon_capture(cuda_stream stream) noexcept {
  detail::gpu::recorded_graph recorded;
  static_cast<void>(cudaStreamEndCapture(detail::gpu::native(stream), &recorded.graph));
  static_cast<void>(cudaGetLastError());
}

DNALM_EMITTED void cuda_launch_graph(cuda_stream stream, cuda_graph graph) {
  detail::gpu::check_runtime(
      cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph.handle), detail::gpu::native(stream)),
      "start of recorded work");
}

DNALM_EMITTED void cuda_destroy_graph(int device, cuda_graph graph) noexcept {
  if (graph.handle == nullptr) return;
  static_cast<void>(cudaSetDevice(device));
  static_cast<void>(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph.handle)));
}

DNALM_END_NAMESPACE
