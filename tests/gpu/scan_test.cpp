// SPDX-License-Identifier: Apache-2.0
// The kernels of Mamba's mixer on a real GPU.
#include <gpu/copying_backend.hpp>
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
