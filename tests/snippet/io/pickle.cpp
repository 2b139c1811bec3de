// SPDX-License-Identifier: Apache-2.0
// A pickle that would run a command when Python loads it: here the call is only written down.
#include <iostream>
#include <span>
#include <string_view>

#include <dnalm/io/pickle.hpp>

int main() {
  using namespace std::literals;
  const auto hostile =
      "\x80\x02"sv
      "cos\nsystem\n"sv;
  const std::string pickle = std::string(hostile) + std::string("X\x04\0\0\0true\x85R."sv);
  const auto graph = dnalm::io::parse_pickle(std::as_bytes(std::span(pickle)), "model.bin");
  const auto& call = graph.at(graph.root);
  const auto& arguments = graph.at(call.items[1]);
  std::cout << std::boolalpha << (call.kind == dnalm::io::pickle_kind::call) << ": "
            << graph.at(call.items[0]).text << "('" << graph.at(arguments.items[0]).text << "')\n";
}
