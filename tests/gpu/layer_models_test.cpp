// SPDX-License-Identifier: Apache-2.0
// Networks of layers on a real GPU.
#include <unit/cuda/layer_model_runs.hpp>

TEST_CASE("gpu: networks of layers reproduce the published code, and autograd", "[gpu][models][supervised]") {
  for (const char* name : dnalm_test::golden_layer_networks) dnalm_test::check_layers_on_gpu(name);
  dnalm_test::check_spliceai_on_gpu();
}

#if defined(DNALM_WITH_HDF5)
TEST_CASE("gpu: Keras models give what Keras gives", "[gpu][models][supervised][keras]") {
  dnalm_test::check_keras_on_gpu();
}
#endif

TEST_CASE("gpu: numbers of networks of layers do not depend on the batch", "[gpu][models][supervised]") {
  for (const char* name : {"deepsea_predict", "enformer", "legnet"}) dnalm_test::check_layers_alone(name);
}

TEST_CASE("gpu: networks of layers in 16 bits, their twins and poolings", "[gpu][models][supervised]") {
  for (const char* name : {"legnet", "enformer"}) dnalm_test::check_half_layers(name);
  dnalm_test::check_layer_twins("legnet");
  const std::string some(230, 'A');
  dnalm_test::check_layer_poolings("legnet", {some, some.substr(3) + "CGT"});
}

TEST_CASE("gpu: linear outputs of networks of layers are explained as on the cpu",
          "[gpu][models][supervised]") {
  std::string sequence;
  for (int i = 0; i < 100; ++i) sequence += "GATTAC";
  dnalm_test::check_linear_outputs("basset", sequence);
  dnalm_test::check_linear_outputs("enformer", sequence.substr(0, 192));
}
