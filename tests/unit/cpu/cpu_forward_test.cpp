// SPDX-License-Identifier: Apache-2.0
// The float kernels, on every instruction set of this machine: the cases of all backends.
#include <dnalm/cpu/cpu_backend.hpp>
#include <support/instruction_sets.hpp>
#include <unit/backend/kernel_forward_cases.hpp>

TEST_CASE("kernels agree with the reference", "[cpu]") {
  for (const dnalm::isa set : dnalm_test::instruction_sets()) {
    INFO(dnalm::to_string(set));
    dnalm_test::check_forward_kernels(dnalm::cpu_backend(set));
  }
}
