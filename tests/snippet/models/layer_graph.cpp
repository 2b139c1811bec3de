// SPDX-License-Identifier: Apache-2.0
// Channels and rows of a convolution of five taps without padding.
#include <iostream>

#include <dnalm/models/layer_graph.hpp>

int main() {
  dnalm::layer_graph graph;
  dnalm::layer_node node;
  node.kind = dnalm::layer_kind::convolution;
  node.inputs = {0};
  node.outputs = 8;
  node.taps = 5;
  node.tensors = {{dnalm::layer_tensor::weight, "conv.weight", {8, 4, 5}}};
  graph.nodes = {node};
  graph.outputs = {{"scores", 1}};
  graph.complete();
  const dnalm::graph_shapes shapes(graph);
  std::vector<dnalm::index_t> rows;
  shapes.rows(20, rows, "a sequence");
  std::cout << shapes.channels(1) << " channels, " << rows[1] << " rows\n";
}
