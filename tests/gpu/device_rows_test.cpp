// SPDX-License-Identifier: Apache-2.0
// On a real GPU: statistics of vectors that stay there, and of those that go to the host and back.
#include <unit/cuda/device_rows_runs.hpp>

TEST_CASE("gpu: vectors that stay give the statistics of vectors that go to the host and back",
          "[gpu][models][sanitize]") {
  const dnalm::model network = dnalm_test::nt_v2_on_gpu();
  const std::vector<dnalm_test::index_t> kept{0, 3, 4, 40, 57, 89};
  const auto copied = dnalm_test::gathered(network, {false, kept, dnalm_test::some_layers(0, 1)});
  for (const dnalm_test::index_t batch : {0, 7}) {
    dnalm_test::require_same(dnalm_test::gathered(network, {true, kept, dnalm_test::some_layers(batch, 2)}),
                             copied);
  }
}
