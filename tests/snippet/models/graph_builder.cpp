// SPDX-License-Identifier: Apache-2.0
// A small network from the shapes of a file's tensors.
#include <iostream>

#include <dnalm/models/graph_builder.hpp>

int main() {
  const dnalm::tensor_table tensors({{"stem.weight", dnalm::dtype::f32, {16, 4, 7}},
                                     {"stem.bias", dnalm::dtype::f32, {16}},
                                     {"head.weight", dnalm::dtype::f32, {3, 16}}},
                                    "a file");
  dnalm::graph_builder builder("small", {}, tensors);
  dnalm::torch_convolution same;
  same.same = true;
  const auto x = builder.relu(builder.convolution(dnalm::graph_builder::input(), "stem", same));
  builder.layer("stem", x);
  builder.output("targets", builder.dense(builder.global_mean(x), "head"));
  const dnalm::layer_graph graph = builder.take();
  std::cout << graph.nodes.size() << " operations, " << graph.predictions << " targets\n";
}
