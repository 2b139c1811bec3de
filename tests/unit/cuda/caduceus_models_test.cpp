// SPDX-License-Identifier: Apache-2.0
// Caduceus on the GPU's backend, on the emulation.
#include <support/cuda_emulation/backend.hpp>
#include <unit/cuda/caduceus_model_runs.hpp>

TEST_CASE("cuda: Caduceus reproduces the authors' code within 1e-4, and autograd", "[cuda][caduceus]") {
  for (const std::string& name : dnalm_test::caduceus_cases) dnalm_test::check_caduceus_golden(name);
}

TEST_CASE("cuda: numbers of Caduceus do not depend on the batch", "[cuda][caduceus]") {
  dnalm_test::check_caduceus_batches();
}

TEST_CASE("cuda: the reverse complement through Caduceus-PS gives the same bits, strands exchanged",
          "[cuda][caduceus]") {
  dnalm_test::check_caduceus_strands("ps");
  dnalm_test::check_caduceus_strands("ps_plain");
}

TEST_CASE("cuda: poolings of Caduceus are those of the cpu, recorded ones too", "[cuda][caduceus]") {
  dnalm_test::check_caduceus_poolings();
}

TEST_CASE("cuda: Caduceus with 16-bit weights stays near", "[cuda][caduceus]") {
  dnalm_test::check_half_caduceus();
}

TEST_CASE("cuda: random twins of Caduceus", "[cuda][caduceus]") {
  dnalm_test::check_caduceus_twins();
}
