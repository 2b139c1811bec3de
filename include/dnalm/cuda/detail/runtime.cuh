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
  cuda_select_device(device);
  void* memory = nullptr;
  detail::gpu::check_runtime(cudaMalloc(&memory, static_cast<std::size_t>(bytes)),
                             std::to_string(bytes) + " bytes on GPU " + std::to_string(device));
  return memory;
}

// Nobody could mend a failure here: the next call that waits for the GPU reports it.
DNALM_EMITTED void cuda_release(int device, void* memory) noexcept {
  if (memory == nullptr) return;
  static_cast<void>(cudaSetDevice(device));
  static_cast<void>(cudaDeviceSynchronize());
  static_cast<void>(cudaFree(memory));
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
  detail::gpu::check_runtime(cudaStreamSynchronize(detail::gpu::native(stream)), "wait for the GPU");
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

DNALM_END_NAMESPACE
