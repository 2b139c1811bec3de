// SPDX-License-Identifier: Apache-2.0
// Networks of layers on the GPU's backend, on the emulation.
#include <support/cuda_emulation/backend.hpp>
#include <unit/cuda/layer_model_runs.hpp>

TEST_CASE("cuda: networks of layers reproduce the published code, and autograd", "[cuda][supervised]") {
  for (const char* name : dnalm_test::golden_layer_networks) dnalm_test::check_layers_on_gpu(name);
  dnalm_test::check_spliceai_on_gpu();
}

#if defined(DNALM_WITH_HDF5)
TEST_CASE("cuda: Keras models give what Keras gives", "[cuda][supervised][keras]") {
  dnalm_test::check_keras_on_gpu();
}
#endif

TEST_CASE("cuda: numbers of networks of layers do not depend on the batch", "[cuda][supervised]") {
  for (const char* name : {"enformer", "legnet"}) dnalm_test::check_layers_alone(name);
}

TEST_CASE("cuda: gradients of networks of layers do not depend on how much they keep", "[cuda][supervised]") {
  for (const char* name : {"enformer", "legnet"}) dnalm_test::check_layer_budgets(name);
}

TEST_CASE("cuda: networks of layers in 16 bits stay near", "[cuda][supervised]") {
  for (const char* name : {"legnet", "enformer"}) dnalm_test::check_half_layers(name);
}

TEST_CASE("cuda: random twins of networks of layers, and networks of another kind", "[cuda][supervised]") {
  dnalm_test::check_layer_twins("legnet");
}

TEST_CASE("cuda: poolings of networks of layers are those of the cpu", "[cuda][supervised]") {
  const std::string some(230, 'A');
  dnalm_test::check_layer_poolings("legnet", {some, some.substr(3) + "CGT"});
  dnalm_test::check_layer_poolings("enformer", {some + "GATTACA", some.substr(9)});
}

TEST_CASE("cuda: linear outputs of networks of layers are explained as on the cpu", "[cuda][supervised]") {
  std::string sequence;
  for (int i = 0; i < 100; ++i) sequence += "GATTAC";
  dnalm_test::check_linear_outputs("basset", sequence);
  dnalm_test::check_linear_outputs("enformer", sequence.substr(0, 192));
}
