// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a status of the CUDA runtime is as an error.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// The error that a status of CUDA is. `where`: what was tried.
[[nodiscard]] inline error error_of(cudaError_t status, const std::string& where) {
  const error_details details{.where = where, .found = cudaGetErrorString(status)};
  switch (status) {
    case cudaErrorNoDevice: return {error_kind::device, 603, "no GPU", details};
    case cudaErrorInsufficientDriver:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCallRequiresNewerDriver:
    case cudaErrorUnsupportedPtxVersion:
      return {error_kind::device, 604, "the GPU's driver is too old for this program", details};
    case cudaErrorNoKernelImageForDevice:
      return {error_kind::device, 605, "the program holds no code for this kind of GPU", details};
    case cudaErrorInvalidDevice: return {error_kind::device, 606, "no GPU of this number", details};
    case cudaErrorDevicesUnavailable:
    case cudaErrorDeviceAlreadyInUse:
    case cudaErrorSystemNotReady: return {error_kind::device, 607, "the GPU is busy", details};
    case cudaErrorMemoryAllocation:
      return {error_kind::memory, 608, "the GPU has not enough free memory", details};
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorIllegalInstruction:
    case cudaErrorHardwareStackError:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorAssert:
      return {error_kind::device, 615, "the GPU failed while it worked; the program has to be started anew",
              details};
    default: return {error_kind::device, 600, "CUDA reported a failure", details};
  }
}

/// \throws error as error_of, unless the call succeeded.
inline void check_runtime(cudaError_t status, const std::string& where) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // so that the next call does not report it again
  throw error_of(status, where);
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
