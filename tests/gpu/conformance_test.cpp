// SPDX-License-Identifier: Apache-2.0
// The cases of all backends on a real GPU, in float.
#include <gpu/copying_backend.hpp>
#include <unit/backend/kernel_adjoint_cases.hpp>
#include <unit/backend/kernel_forward_cases.hpp>

using dnalm_test::copying_backend;

TEST_CASE("gpu: kernels agree with the reference", "[gpu][kernels][sanitize]") {
  dnalm_test::check_forward_kernels(copying_backend());
}

TEST_CASE("gpu: adjoints of the row kernels agree with differences and with the reference",
          "[gpu][kernels][adjoint][sanitize]") {
  dnalm_test::check_row_kernels(copying_backend());
}

TEST_CASE("gpu: the adjoint of rotary agrees with differences and with the reference",
          "[gpu][kernels][adjoint][sanitize]") {
  dnalm_test::check_rotary_kernel(copying_backend());
}

TEST_CASE("gpu: the adjoint of attention agrees with differences and with the reference",
          "[gpu][kernels][adjoint][sanitize]") {
  dnalm_test::check_attention_kernel(copying_backend());
}
