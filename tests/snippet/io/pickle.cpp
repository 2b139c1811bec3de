// SPDX-License-Identifier: Apache-2.0
// A pickle that would run a command when Python loads it: here the call is only written down.
#include <iostream>
#include <span>
#include <string>

#include <dnalm/io/pickle.hpp>

int main() {
  using namespace std::literals;
  const std::string pickle =
      "\x80\x02"
      "cos\nsystem\nX\x04\0\0\0true\x85R."s;
  const auto graph = dnalm::io::parse_pickle(std::as_bytes(std::span(pickle)), "model.bin");
  const auto& call = graph.at(graph.root);
  const auto& arguments = graph.at(call.items[1]);
  std::cout << std::boolalpha << (call.kind == dnalm::io::pickle_kind::call) << ": "
            << graph.at(call.items[0]).text << "('" << graph.at(arguments.items[0]).text << "')\n";
}
