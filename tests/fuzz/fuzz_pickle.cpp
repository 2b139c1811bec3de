// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any bytes as a Python pickle: parsed into a graph whose every reference is a node.
#include <dnalm/io/pickle.hpp>

#include "fuzz_support.hpp"

namespace {

using namespace dnalm_fuzz;

void check_graph(const dnalm::io::pickle_graph& graph, const dnalm::io::pickle_limits& limits) {
  promise(graph.root < graph.nodes.size(), "the result is a node");
  promise(static_cast<index_t>(graph.nodes.size()) <= limits.nodes, "the limit of nodes holds");
  for (const auto& node : graph.nodes) {
    promise(node.pairs.size() % 2 == 0, "dictionaries hold pairs");
    for (const auto* refs : {&node.items, &node.pairs, &node.appended, &node.state}) {
      for (const auto ref : *refs) promise(ref < graph.nodes.size(), "references are nodes");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const dnalm::io::pickle_limits limits{.bytes = 1 << 20, .nodes = 20'000, .memo = 20'000};
  guarded(
      [&] {
        check_graph(dnalm::io::parse_pickle(std::as_bytes(std::span(data, size)), "a pickle", limits),
                    limits);
      },
      "a pickle");
  return 0;
}
