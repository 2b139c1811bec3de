// SPDX-License-Identifier: Apache-2.0
// Caduceus and the kernels of Mamba's mixer on a real GPU.
#include <gpu/copying_backend.hpp>
#include <unit/cuda/caduceus_model_runs.hpp>
#include <unit/cuda/scan_runs.hpp>

using dnalm::scan_order;
using copied_scans = dnalm_test::scans_on_host<dnalm_test::copied_memory>;

TEST_CASE("gpu: the selective scan and its adjoint are near double", "[gpu][kernels][sanitize]") {
  const copied_scans b;
  dnalm_test::check_scan(b, {{1, 2, 0, 63, 64, 65, 200}, 21, 3});
  dnalm_test::check_scan(b, {{130, 7}, 70, 16, scan_order::backward});
  dnalm_test::check_scan(b, {{70, 3}, 5, 17});
  dnalm_test::check_scan_alone(b, {{150, 1, 64, 70}, 70, 5, scan_order::backward});
  dnalm_test::check_short_back(b, {{1, 2, 0, 3, 4, 20}, 35, 1});
  dnalm_test::check_strands(b, 7, 19);
}

TEST_CASE("gpu: a long scan is near double, and its steps are right at all magnitudes", "[gpu][kernels]") {
  const copied_scans b;
  dnalm_test::check_scan(b, {{20000}, 8, 16});
  dnalm_test::check_scan_turned_round(b, {{5000, 3, 64}, 200, 16});
  dnalm_test::check_scan_steps(b);
}

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
