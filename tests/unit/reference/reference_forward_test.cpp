// SPDX-License-Identifier: Apache-2.0
// The double kernels keep to their memory: the cases of all backends. Their numbers are what the others are
// compared with; that they are right is shown by the golden models.
#include <unit/backend/kernel_forward_cases.hpp>

TEST_CASE("forward kernels write their output and nothing else", "[reference]") {
  dnalm_test::check_forward_kernels(dnalm::reference_backend());
}
