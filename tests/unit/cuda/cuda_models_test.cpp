// SPDX-License-Identifier: Apache-2.0
// The golden models on the GPU's backend, on the emulation.
#include <cstdlib>

#include <dnalm/models/detail/encoder_gradient_impl.hpp>
#include <dnalm/models/detail/encoder_impl.hpp>
#include <support/cuda_emulation/emulated_backend.hpp>
#include <unit/models/golden_runs.hpp>

using dnalm_test::golden_case;
using dnalm_test::gpu::emulated_backend;

TEST_CASE("the cuda backend reproduces every golden model within 1e-4 in float", "[cuda]") {
  const auto cases = dnalm_test::golden_cases();
  REQUIRE(cases.size() == 36);
  for (const golden_case& item : cases) {
    INFO(item.name);
    const double worst = dnalm_test::worst_of_case(item, emulated_backend()).absolute;
    if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(item.name << ": " << worst);
    CHECK(worst < 1e-4);
  }
}
