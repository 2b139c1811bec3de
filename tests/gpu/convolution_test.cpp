// SPDX-License-Identifier: Apache-2.0
// GPN's ConvNet and HyenaDNA on a real GPU, and its long convolution beside that of the CPU.
#include <unit/backend/convolution_cases.hpp>
#include <unit/cuda/convolution_model_runs.hpp>

#include <dnalm/cpu/cpu_backend.hpp>

using dnalm::index_t;
using dnalm_test::convolution_problem;
using dnalm_test::numbers;

namespace {

/// The long convolution of x on the GPU, or its adjoint, in place.
numbers convolved_on_gpu(const convolution_problem& problem, const numbers& x, bool adjoint) {
  const dnalm::cuda_backend gpu;
  const dnalm_test::prepared_filters<dnalm::cuda_backend> filters(gpu, problem);
  const auto floats = [](const numbers& from) { return std::vector<float>(from.begin(), from.end()); };
  const auto d = gpu.upload(floats(problem.skip()));
  auto rows = gpu.upload(floats(x), problem.rows(), problem.width);
  if (adjoint) {
    gpu.long_convolution_vjp(rows.view(), filters.of_sequence, d.view(), problem.offsets(), {}, rows.view());
  } else {
    gpu.long_convolution(rows.view(), filters.of_sequence, d.view(), problem.offsets(), {}, rows.view());
  }
  std::vector<float> y(x.size());
  gpu.download(rows.view(), {y.data(), problem.rows(), problem.width, problem.width});
  return {y.begin(), y.end()};
}

}  // namespace

TEST_CASE("gpu: the long convolution is that of the cpu within both bounds", "[gpu][kernels][sanitize]") {
  for (const convolution_problem& problem :
       {convolution_problem{{100, 129, 1026, 300, 0, 1030}, 19}, convolution_problem{{5000, 4128}, 3},
        convolution_problem{{20000, 32770}, 2}}) {
    const numbers x = dnalm_test::normal_numbers(problem.rows() * problem.width, 3);
    numbers bound = dnalm_test::long_bound(problem, x);
    for (double& one : bound) one *= 2;
    for (const bool adjoint : {false, true}) {
      const numbers expected = dnalm_test::run_long(dnalm::cpu_backend(), problem, x, adjoint, false);
      dnalm_test::check_within(expected, convolved_on_gpu(problem, x, adjoint), bound);
    }
  }
}

TEST_CASE("gpu: GPN reproduces the authors' code within 1e-4, and autograd", "[gpu][models][convnet]") {
  for (const char* name : {"gpn_6_bin", "gpn_7", "gpn_even"}) {
    dnalm_test::check_gpn_golden(name);
    dnalm_test::check_gpn_gradients(name);
  }
}

TEST_CASE("gpu: HyenaDNA reproduces the published code within 1e-4, and autograd", "[gpu][models][hyena]") {
  for (const std::string& name : dnalm_test::hyena_cases) {
    dnalm_test::check_hyena_golden(name);
    dnalm_test::check_hyena_gradients(name);
  }
}

// The kernels that no encoder has, forward and adjoint, at sizes that the sanitizer ends with.
TEST_CASE("gpu: one small convolution network of each kind", "[gpu][models][convnet][hyena][sanitize]") {
  dnalm_test::check_gpn_golden("gpn_7");
  dnalm_test::check_gpn_gradients("gpn_7");
  dnalm_test::check_hyena_golden(dnalm_test::hyena_cases.front());
  dnalm_test::check_hyena_gradients(dnalm_test::hyena_cases.front());
}

TEST_CASE("gpu: numbers of convolution networks do not depend on the batch",
          "[gpu][models][convnet][hyena]") {
  dnalm_test::check_batches();
}

TEST_CASE("gpu: GPN's poolings are those of the cpu, recorded ones too", "[gpu][models][convnet]") {
  dnalm_test::check_gpn_poolings();
}

TEST_CASE("gpu: convolution networks in 16 bits stay near", "[gpu][models][convnet][hyena]") {
  dnalm_test::check_half_networks();
}

TEST_CASE("gpu: random twins of convolution networks, and networks of another kind",
          "[gpu][models][convnet][hyena]") {
  dnalm_test::check_network_twins();
}
