// SPDX-License-Identifier: Apache-2.0
// The forward kernels of the GPU's backend, on the emulation: the cases of all backends.
#include <support/cuda_emulation/emulated_backend.hpp>
#include <unit/backend/kernel_forward_cases.hpp>

TEST_CASE("cuda: kernels agree with the reference", "[cuda]") {
  dnalm_test::check_forward_kernels(dnalm_test::gpu::emulated_backend());
}
