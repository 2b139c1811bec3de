// SPDX-License-Identifier: Apache-2.0
// Supervised networks against the published code: predictions, embeddings, input gradients.
#include <dnalm/models/backends.hpp>
#include <unit/models/supervised_runs.hpp>

TEST_CASE("supervised networks give what the published code gives", "[models][supervised]") {
  for (const char* name : {"sei", "deepsea_predict", "deepsea_variant_effects", "beluga", "basset", "legnet",
                           "legnet_reverse", "enformer", "enformer_port"}) {
    INFO(name);
    dnalm_test::check_gaps(dnalm_test::run_supervised(name, dnalm::reference_backend()),
                           dnalm_test::run_supervised(name, dnalm::cpu_backend()));
  }
}
