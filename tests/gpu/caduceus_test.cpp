// SPDX-License-Identifier: Apache-2.0
// Caduceus on a real GPU.
#include <unit/cuda/caduceus_model_runs.hpp>

TEST_CASE("gpu: Caduceus reproduces the authors' code within 1e-4, and autograd", "[gpu][models][caduceus]") {
  for (const std::string& name : dnalm_test::caduceus_cases) dnalm_test::check_caduceus_golden(name);
}

TEST_CASE("gpu: numbers of Caduceus do not depend on the batch nor on the strand",
          "[gpu][models][caduceus]") {
  dnalm_test::check_caduceus_batches();
  dnalm_test::check_caduceus_strands("ps");
  dnalm_test::check_caduceus_strands("ps_plain");
}

TEST_CASE("gpu: Caduceus pools, twins, and stays near with 16-bit weights", "[gpu][models][caduceus]") {
  dnalm_test::check_caduceus_poolings();
  dnalm_test::check_half_caduceus();
  dnalm_test::check_caduceus_twins();
}
