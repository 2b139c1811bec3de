// SPDX-License-Identifier: Apache-2.0
// The adjoints of the GPU's backend, on the emulation: the cases of all backends.
#include <support/cuda_emulation/emulated_backend.hpp>
#include <unit/backend/kernel_adjoint_cases.hpp>

using dnalm_test::gpu::emulated_backend;

TEST_CASE("cuda: adjoints of the row kernels agree with differences and with the reference",
          "[cuda][adjoint]") {
  dnalm_test::check_row_kernels(emulated_backend());
}

TEST_CASE("cuda: the adjoint of rotary agrees with differences and with the reference", "[cuda][adjoint]") {
  dnalm_test::check_rotary_kernel(emulated_backend());
}

TEST_CASE("cuda: the adjoint of attention agrees with differences and with the reference",
          "[cuda][adjoint]") {
  dnalm_test::check_attention_kernel(emulated_backend());
}
