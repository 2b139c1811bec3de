// SPDX-License-Identifier: Apache-2.0
// Keras models, converted as dnalm-convert does, against Keras itself: predictions and input gradients.
#include <dnalm/models/backends.hpp>
#include <dnalm/models/keras_graph.hpp>
#include <support/temporary_folder.hpp>
#include <unit/models/keras_cases.hpp>

#include <nlohmann/json.hpp>

#if defined(DNALM_WITH_HDF5)

namespace {

template <class B>
dnalm_test::supervised_gaps run(const dnalm_test::keras_case& c, const std::filesystem::path& folder,
                                const B& backend) {
  const dnalm::layer_graph graph = dnalm_test::golden_graph(folder);
  const dnalm::checkpoint_source source(dnalm::open_model_weights(folder), dnalm::plan_tensors(graph),
                                        c.name);
  const dnalm::layer_network<B> network(backend, graph, source);
  const auto expected = dnalm_test::golden_supervised / "expected" / (std::string(c.name) + ".safetensors");
  return dnalm_test::compare_supervised(network, dnalm::io::safetensors_file(expected));
}

}  // namespace

TEST_CASE("Keras models give what Keras gives", "[models][supervised][keras]") {
  for (const dnalm_test::keras_case& c : dnalm_test::keras_cases) {
    INFO(c.name);
    const dnalm_test::temporary_folder folder("keras");
    dnalm_test::write_keras_case(c, folder.path());
    dnalm_test::check_gaps(run(c, folder.path(), dnalm::reference_backend()),
                           run(c, folder.path(), dnalm::cpu_backend()));
  }
}

#endif

namespace {

using dnalm::index_t;

/// A functional model of one layer between an input of (20, 4) and nothing.
dnalm::io::json model_of_layer(const std::string& layer_class, const dnalm::io::json& config) {
  dnalm::io::json settings = config;
  settings["name"] = "x";
  const auto call = [](const char* name) { return dnalm::io::json::array({name, 0, 0}); };
  dnalm::io::json input = {{"class_name", "InputLayer"},
                           {"name", "in"},
                           {"config", {{"name", "in"}, {"batch_input_shape", {nullptr, 20, 4}}}},
                           {"inbound_nodes", dnalm::io::json::array()}};
  dnalm::io::json inbound = dnalm::io::json::array({dnalm::io::json::array({call("in")})});
  dnalm::io::json layer = {
      {"class_name", layer_class}, {"name", "x"}, {"config", settings}, {"inbound_nodes", inbound}};
  return {{"class_name", "Functional"},
          {"config",
           {{"name", "model"},
            {"layers", {input, layer}},
            {"input_layers", dnalm::io::json::array({call("in")})},
            {"output_layers", dnalm::io::json::array({call("x")})}}}};
}

const std::vector<dnalm::io::tensor_info> convolution_tensors = {
    {"x/x/kernel:0", dnalm::dtype::f32, {3, 4, 5}}, {"x/x/bias:0", dnalm::dtype::f32, {5}}};

int number_of(const dnalm::io::json& model, const std::vector<dnalm::io::tensor_info>& tensors) {
  try {
    const dnalm::tensor_table table(tensors, "test");
    static_cast<void>(dnalm::keras_graph(dnalm::io::parse_json(model.dump(), "test"), table));
  } catch (const dnalm::error& e) {
    return e.number();
  }
  return 0;
}

}  // namespace

TEST_CASE("settings of Keras layers that are not built in are refused", "[models][supervised][keras]") {
  const auto convolution = [&](const dnalm::io::json& config) {
    return number_of(model_of_layer("Conv1D", config), convolution_tensors);
  };
  CHECK(convolution({{"padding", "same"}}) == 0);
  CHECK(convolution({{"padding", "causal"}, {"activation", "relu"}}) == 0);
  CHECK(convolution({{"padding", "same"}, {"strides", {2}}}) == 0);
  CHECK(convolution({{"padding", "reflect"}}) == 447);
  CHECK(convolution({{"groups", 2}}) == 432);
  CHECK(convolution({{"filters", 5}, {"kernel_size", {3}}}) == 0);
  CHECK(convolution({{"filters", 6}}) == 412);
  CHECK(convolution({{"kernel_size", {4}}}) == 412);
  CHECK(convolution({{"data_format", "channels_first"}}) == 447);
  CHECK(convolution({{"activation", "mish"}}) == 447);
  CHECK(convolution({{"activation", {{"class_name", "Mine"}}}}) == 447);
  CHECK(convolution({{"dilation_rate", "two"}}) == 448);
  CHECK(convolution({{"dilation_rate", {-1}}}) == 448);
  CHECK(convolution({{"dilation_rate", {1e30}}}) == 448);
  CHECK(convolution({{"use_bias", 1}}) == 448);
  CHECK(number_of(model_of_layer("LSTM", {}), {}) == 447);
  CHECK(number_of(model_of_layer("Lambda", {}), {}) == 447);
  CHECK(number_of(model_of_layer("BatchNormalization", {{"axis", {1}}}), {}) == 447);
  CHECK(number_of(model_of_layer("MaxPooling1D", {{"padding", "causal"}}), {}) == 447);
  CHECK(number_of(model_of_layer("MaxPooling1D", {{"pool_size", 21}}), {}) == 432);
  CHECK(number_of(model_of_layer("Cropping1D", {{"cropping", {10, 10}}}), {}) == 432);
  CHECK(number_of(model_of_layer("Cropping1D", {{"cropping", -1}}), {}) == 448);
  CHECK(number_of(model_of_layer("Cropping1D", {{"cropping", {0, 1e300}}}), {}) == 448);
  CHECK(number_of(model_of_layer("Softmax", {{"axis", 1}}), {}) == 447);
  CHECK(number_of(model_of_layer("Softmax", {{"axis", 2}}), {}) == 0);
  CHECK(number_of(model_of_layer("ReLU", {{"max_value", 6}}), {}) == 447);
  CHECK(number_of(model_of_layer("ReLU", {{"negative_slope", 0.1}}), {}) == 447);
  CHECK(number_of(model_of_layer("ReLU", {{"max_value", nullptr}}), {}) == 0);
  CHECK(number_of(model_of_layer("GlobalMaxPooling1D", {{"keepdims", true}}), {}) == 447);
}

TEST_CASE("settings of SplineWeight1D that are not built in are refused", "[models][supervised][keras]") {
  const auto spline = [&](const dnalm::io::json& config, std::vector<index_t> shape) {
    return number_of(model_of_layer("SplineWeight1D", config),
                     {{"x/x/kernel:0", dnalm::dtype::f32, std::move(shape)}});
  };
  CHECK(spline({{"n_bases", 10}}, {10, 4}) == 0);
  CHECK(spline({{"n_bases", 9}}, {10, 4}) == 412);
  CHECK(spline({}, {10, 5}) == 432);
  CHECK(spline({}, {3, 4}) == 447);
  CHECK(spline({}, {index_t{1} << 40, 4}) == 447);
  CHECK(spline({{"spline_degree", 2}}, {10, 4}) == 447);
  CHECK(spline({{"share_splines", true}}, {10, 4}) == 447);
  CHECK(spline({{"use_bias", true}}, {10, 4}) == 410);
  dnalm::io::json often = model_of_layer("SplineWeight1D", dnalm::io::json::object());
  often["config"]["layers"][0]["config"]["batch_input_shape"][1] = 300000;
  CHECK(number_of(often, {{"x/x/kernel:0", dnalm::dtype::f32, {10, 4}}}) == 0);
  auto& calls = often["config"]["layers"][1]["inbound_nodes"];
  calls.push_back(calls[0]);
  CHECK(number_of(often, {{"x/x/kernel:0", dnalm::dtype::f32, {10, 4}}}) == 447);
  dnalm::io::json any = model_of_layer("SplineWeight1D", dnalm::io::json::object());
  any["config"]["layers"][0]["config"]["batch_input_shape"][1] = nullptr;
  CHECK(number_of(any, {{"x/x/kernel:0", dnalm::dtype::f32, {10, 4}}}) == 447);
}

TEST_CASE("Keras tensors that are missing or do not fit", "[models][supervised][keras]") {
  const dnalm::io::json model = model_of_layer("Conv1D", {});
  CHECK(number_of(model, {}) == 410);
  CHECK(number_of(model, {convolution_tensors[0]}) == 410);
  auto other = convolution_tensors;
  other[0].shape = {3, 4};
  CHECK(number_of(model, other) == 412);
  other[0].shape = {3, 3, 5};
  CHECK(number_of(model, other) == 432);
  other[0].shape = {0, 4, 5};
  CHECK(number_of(model, other) == 412);
  other = convolution_tensors;
  other[0].name = "x/other/kernel:0";  // the only one of the layer
  CHECK(number_of(model, other) == 0);
  other.push_back(other[0]);
  other.back().name = "x/another/kernel:0";
  CHECK(number_of(model, other) == 447);
  other = convolution_tensors;
  other[1].shape = {6};
  CHECK(number_of(model, other) == 432);
}

TEST_CASE("damaged descriptions of Keras models are refused", "[models][supervised][keras]") {
  const dnalm::io::json model = model_of_layer("Conv1D", {});
  const auto changed = [&](const char* pointer, const dnalm::io::json& value) {
    dnalm::io::json other = model;
    other[dnalm::io::json::json_pointer(pointer)] = value;
    return number_of(other, convolution_tensors);
  };
  CHECK(number_of(model, convolution_tensors) == 0);
  CHECK(number_of(dnalm::io::json::array(), {}) == 448);
  CHECK(number_of({{"class_name", "Functional"}}, {}) == 448);
  CHECK(changed("/class_name", "Mine") == 447);
  CHECK(changed("/config/layers", 7) == 448);
  CHECK(changed("/config/layers/1/inbound_nodes", "in") == 448);
  CHECK(changed("/config/layers/1/inbound_nodes/0/0/0", "x") == 448);  // its own input
  CHECK(changed("/config/layers/1/inbound_nodes/0/0/1", -1) == 448);
  CHECK(changed("/config/layers/1/class_name", 3) == 448);
  CHECK(changed("/config/output_layers/0/0", "nobody") == 448);
  CHECK(changed("/config/output_layers", {}) == 448);
  CHECK(changed("/config/input_layers", dnalm::io::json::array()) == 448);
  CHECK(changed("/config/layers/0/config/batch_input_shape", {nullptr, 20}) == 447);
  CHECK(changed("/config/layers/0/config/batch_input_shape", {nullptr, 20, 3}) == 447);
  CHECK(changed("/config/layers/0/config/batch_input_shape", {nullptr, 1e300, 4}) == 448);
  CHECK(changed("/config/output_layers", dnalm::io::json::array()) == 432);
  const auto tensor = [](const char* history) {
    return dnalm::io::parse_json(std::string(R"([{"args": [{"class_name": "__keras_tensor__", "config": )") +
                                     R"({"keras_history": )" + history + R"(}}], "kwargs": {}}])",
                                 "test");
  };
  CHECK(changed("/config/layers/1/inbound_nodes", tensor(R"(["in", 0, 0])")) == 0);
  CHECK(changed("/config/layers/1/inbound_nodes", tensor(R"(["in"])")) == 448);
  CHECK(changed("/config/layers/1/inbound_nodes", tensor(R"(["in", 1, 0])")) == 448);
  CHECK(changed("/config/layers/1/inbound_nodes", tensor("7")) == 448);
  dnalm::io::json mask = tensor(R"(["in", 0, 0])");
  mask[0]["kwargs"]["mask"] = mask[0]["args"][0];
  CHECK(changed("/config/layers/1/inbound_nodes", mask) == 447);
  mask[0]["args"] = {1};
  CHECK(changed("/config/layers/1/inbound_nodes", mask) == 447);
  mask[0].erase("args");
  CHECK(changed("/config/layers/1/inbound_nodes", mask) == 448);
  CHECK(changed("/config/layers", dnalm::io::json(5000, model["config"]["layers"][0])) == 448);
  dnalm::io::json deep = model;
  for (int i = 0; i < 10; ++i) {
    deep = model_of_layer("Functional", deep["config"]);
    deep["config"]["layers"][1]["config"]["name"] = "x";
    deep["config"]["output_layers"][0][1] = 1;
  }
  CHECK(number_of(deep, convolution_tensors) == 448);
}
