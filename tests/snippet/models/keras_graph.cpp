// SPDX-License-Identifier: Apache-2.0
// What Keras writes of a model, as a graph: its operations, layers and predictions.
#include <iostream>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/models/keras_graph.hpp>

int main() {
  const dnalm::io::json model =
      dnalm::io::parse_json(R"({"class_name": "Sequential", "config": {"name": "tiny",
    "layers": [
      {"class_name": "Conv1D", "config": {"name": "motifs", "batch_input_shape": [null, 200, 4],
        "padding": "same", "activation": "relu"}},
      {"class_name": "GlobalMaxPooling1D", "config": {"name": "best"}},
      {"class_name": "Dense", "config": {"name": "activity"}}]}})",
                            "model.json");
  const std::vector<dnalm::io::tensor_info> tensors = {
      {"motifs/motifs/kernel:0", dnalm::dtype::f32, {9, 4, 32}},
      {"motifs/motifs/bias:0", dnalm::dtype::f32, {32}},
      {"activity/activity/kernel:0", dnalm::dtype::f32, {32, 2}},
      {"activity/activity/bias:0", dnalm::dtype::f32, {2}}};
  const dnalm::layer_graph graph = dnalm::keras_graph(model, dnalm::tensor_table(tensors, "model.h5"));
  std::cout << graph.input.length << " bases\n";
  for (const dnalm::layer_node& node : graph.nodes)
    std::cout << to_string(node.kind) << " " << node.name << "\n";
  for (const dnalm::graph_result& layer : graph.layers) std::cout << "layer " << layer.name << "\n";
  std::cout << "output " << graph.outputs.front().name << ", " << graph.predictions << " numbers\n";
}
