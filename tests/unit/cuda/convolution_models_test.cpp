// SPDX-License-Identifier: Apache-2.0
// GPN's ConvNet and HyenaDNA on the GPU's backend, on the emulation.
#include <support/cuda_emulation/backend.hpp>
#include <unit/cuda/convolution_model_runs.hpp>

TEST_CASE("cuda: GPN reproduces the authors' code within 1e-4, and autograd", "[cuda][convnet]") {
  dnalm_test::check_gpn_golden("gpn_6_bin");
  dnalm_test::check_gpn_golden("gpn_even");
  dnalm_test::check_gpn_gradients("gpn_even");
}

TEST_CASE("cuda: HyenaDNA reproduces the published code within 1e-4, and autograd", "[cuda][hyena]") {
  dnalm_test::check_hyena_golden("original_plain_filter");
  dnalm_test::check_hyena_golden("hub_tied");
  dnalm_test::check_hyena_golden("hub_long");  // by transforms
  dnalm_test::check_hyena_gradients("original_plain_filter");
}

TEST_CASE("cuda: numbers of convolution networks do not depend on the batch", "[cuda][convnet][hyena]") {
  dnalm_test::check_batches();
}

TEST_CASE("cuda: GPN's poolings are those of the cpu, recorded ones too", "[cuda][convnet]") {
  dnalm_test::check_gpn_poolings();
}

TEST_CASE("cuda: convolution networks in 16 bits stay near", "[cuda][convnet][hyena]") {
  dnalm_test::check_half_networks();
}

TEST_CASE("cuda: random twins of convolution networks, and networks of another kind",
          "[cuda][convnet][hyena]") {
  dnalm_test::check_network_twins();
}
