// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the host needs of a GPU: to find it, its memory, copies, and the order of work.
///
/// Every failure of CUDA is an error: [dnalm.device.603] no GPU, 604 a driver too old for the CUDA runtime,
/// 605 a GPU of a kind that is too old, 606 no GPU of that number, 607 a GPU that is busy, 615 one that
/// failed while it worked, [dnalm.memory.608] a GPU without memory left, [dnalm.memory.611] a host without
/// memory that can be locked, [dnalm.device.600] all else.
#pragma once

#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>

DNALM_BEGIN_NAMESPACE

/// A GPU. Versions of CUDA are 1000 major + 10 minor.
struct cuda_device {
  int number = 0;
  std::string name = {};
  int major = 0;  ///< compute capability
  int minor = 0;
  index_t memory = 0;       ///< bytes
  index_t free_memory = 0;  ///< bytes, when it was asked
  int driver = 0;           ///< the newest CUDA that the driver serves
  int runtime = 0;          ///< the CUDA that the program was built with
};

/// The oldest compute capability whose instructions the kernels use.
inline constexpr int cuda_oldest_major = 8;

/// `NVIDIA A100, sm_80, 40 GiB, driver for CUDA 12.4, runtime 12.4`.
[[nodiscard]] inline std::string describe(const cuda_device& device) {
  const auto version = [](int number) {
    return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
  };
  return device.name + ", sm_" + std::to_string(device.major) + std::to_string(device.minor) + ", " +
         std::to_string(device.memory >> 30) + " GiB, driver for CUDA " + version(device.driver) +
         ", runtime " + version(device.runtime);
}

/// Describes a GPU, after checking that the kernels run on it.
/// \throws error 603, 604, 605, 606, 607
[[nodiscard]] cuda_device cuda_find_device(int number);

/// Makes a GPU that of the calling thread: where its kernels and streams go. Cheap when it is already.
void cuda_select_device(int number);

/// Bytes on a GPU, aligned to 256, undefined until written. \throws error [dnalm.memory.608]
[[nodiscard]] void* cuda_allocate(int device, index_t bytes);
/// Waits for the stream's work, which may use the memory, then frees it. Null is nothing.
void cuda_release(int device, cuda_stream stream, void* memory) noexcept;

/// Bytes of the host that the GPU copies from and to while the host goes on. \throws error
/// [dnalm.memory.611]
[[nodiscard]] void* cuda_allocate_host(int device, index_t bytes);
/// Frees them; no copy may be on its way. Null is nothing.
void cuda_release_host(int device, void* memory) noexcept;

/// A stream that runs beside the default one.
[[nodiscard]] cuda_stream cuda_create_stream(int device);
/// Waits for the stream's work, then ends the stream.
void cuda_destroy_stream(int device, cuda_stream stream) noexcept;
/// Waits until the stream has done all that was put into it. \throws error 615 when that failed.
void cuda_synchronize(cuda_stream stream);

/// Rows of bytes here and there; strides are bytes from row to row.
struct cuda_byte_rows {
  index_t rows = 1;
  index_t bytes = 0;  ///< of a row
  index_t from_stride = 0;
  index_t to_stride = 0;
};

[[nodiscard]] cuda_event cuda_create_event(int device);
void cuda_destroy_event(int device, cuda_event event) noexcept;
/// The event stands for all work that was put into the stream up to now.
void cuda_record(cuda_stream stream, cuda_event event);
/// Waits until that work is done, not for what came after it; at once when nothing was recorded.
/// \throws error 615 when it failed.
void cuda_wait(cuda_event event);

/// Copies rows to the GPU, in the stream's order. The host memory must stay as it is until a
/// cuda_synchronize or cuda_wait. Only copies of memory from cuda_allocate_host let the host go on.
void cuda_upload(cuda_stream stream, const void* from, void* to, const cuda_byte_rows& rows);
/// Copies rows from the GPU, in the stream's order; they are there after a cuda_synchronize or cuda_wait.
void cuda_download(cuda_stream stream, const void* from, void* to, const cuda_byte_rows& rows);
/// Sets bytes to 0, in the stream's order.
void cuda_clear(cuda_stream stream, void* memory, index_t bytes);

/// From now on what is put into the stream (kernels, cuda_clear) is recorded instead of done.
void cuda_begin_capture(cuda_stream stream);
/// Ends that. \throws error [dnalm.device.600] when something could not be recorded; the stream is then as
/// it was before.
[[nodiscard]] cuda_graph cuda_end_capture(cuda_stream stream);
/// Ends it and forgets what was recorded.
void cuda_abandon_capture(cuda_stream stream) noexcept;
/// Puts the recorded work into a stream. All memory that it uses must still be there.
void cuda_launch_graph(cuda_stream stream, cuda_graph graph);
void cuda_destroy_graph(int device, cuda_graph graph) noexcept;

DNALM_END_NAMESPACE
